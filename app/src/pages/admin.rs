//! The admin panel, one page a file.

mod audit;
mod home;
mod people;
mod person;

pub use audit::AuditLogPage;
pub use home::AdminHomePage;
pub use people::PeoplePage;
pub use person::PersonPage;
