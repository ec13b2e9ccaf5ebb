//! The admin panel, one page a file.

mod audit;
mod home;
mod people;

pub use audit::AuditLogPage;
pub use home::AdminHomePage;
pub use people::PeoplePage;
