//! The admin panel, one page a file.

mod audit;
mod home;
mod jobs;
mod people;
mod person;
mod providers;
mod stripe;
mod system;
mod usage;

pub use audit::AuditLogPage;
pub use home::AdminHomePage;
pub use jobs::JobsPage;
pub use people::PeoplePage;
pub use person::PersonPage;
pub use providers::ProvidersPage;
pub use stripe::StripePage;
pub use system::SystemPage;
pub use usage::AdminUsagePage;
