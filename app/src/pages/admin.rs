//! The admin panel, one page a file.

mod audit;
mod home;
mod jobs;
mod people;
mod stripe;

pub use audit::AuditLogPage;
pub use home::AdminHomePage;
pub use jobs::JobsPage;
pub use people::PeoplePage;
pub use stripe::StripePage;
