//! The pieces the admin panel is made of.

mod audit_table;
mod event_table;
mod figure_cards;
mod figure_chart;
mod filters;
mod frame;
mod job_table;
mod operators_only;
mod people_table;
pub mod person;
mod queue_panels;
mod route_table;
mod spender_tables;
mod stripe_report;
mod switch_list;
mod system_parts;
mod table;
mod volume_table;

pub use audit_table::AuditTable;
pub use event_table::{EventDetail, EventTable};
pub use figure_cards::{ComputedAt, FigureCards, NoFigures};
pub use figure_chart::FigureChart;
pub use filters::{CheckFilter, Filters, SelectFilter, TextFilter};
pub use frame::AdminFrame;
pub use job_table::JobTable;
pub use operators_only::OperatorsOnly;
pub use people_table::PeopleTable;
pub use queue_panels::{QueueTable, ScheduleTable};
pub use route_table::RouteTable;
pub use spender_tables::{ExplosionTable, SpenderTable};
pub use stripe_report::{ComparisonList, StripeFigures};
pub use switch_list::SwitchList;
pub use system_parts::{SettingsTable, SystemParts};
pub use table::{Column, Pager, RecordTable};
pub use volume_table::{VolumeTable, named_rows};
