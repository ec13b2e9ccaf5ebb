//! The pieces the admin panel is made of.

mod audit_table;
mod filters;
mod frame;
mod operators_only;
mod people_table;
pub mod person;
mod table;

pub use audit_table::AuditTable;
pub use filters::{CheckFilter, Filters, SelectFilter, TextFilter};
pub use frame::AdminFrame;
pub use operators_only::OperatorsOnly;
pub use people_table::PeopleTable;
pub use table::{Column, Pager, RecordTable};
