//! The pieces the admin panel is made of.

mod audit_table;
mod catalog_deeds;
mod event_table;
mod filters;
mod frame;
mod job_table;
mod operators_only;
mod people_table;
pub mod person;
mod price_table;
mod queue_panels;
mod reason_field;
mod route_table;
mod stripe_report;
mod switch_list;
mod system_parts;
mod table;

pub use audit_table::AuditTable;
pub use catalog_deeds::{CatalogDeeds, CatalogErrors, ModelDeeds};
pub use event_table::{EventDetail, EventTable};
pub use filters::{CheckFilter, Filters, SelectFilter, TextFilter};
pub use frame::AdminFrame;
pub use job_table::JobTable;
pub use operators_only::OperatorsOnly;
pub use people_table::PeopleTable;
pub use price_table::PriceTable;
pub use queue_panels::{QueueTable, ScheduleTable};
pub use reason_field::ReasonField;
pub use route_table::RouteTable;
pub use stripe_report::{ComparisonList, StripeFigures};
pub use switch_list::SwitchList;
pub use system_parts::{SettingsTable, SystemParts};
pub use table::{Column, Pager, RecordTable};
