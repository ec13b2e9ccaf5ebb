//! What operators see and do. Each method takes an [`Operator`](app::types::Operator), which only somebody who is one can
//! have made; each change writes its row of the audit log in the transaction it is made in.

mod audit;
mod catalog;
mod figures;
mod interventions;
mod jobs;
mod page;
mod people;
mod providers;
mod stripe;
mod system;

pub use self::audit::AuditLogService;
pub use self::figures::FiguresService;
pub(crate) use self::figures::FileRow;
pub use self::jobs::JobsService;
pub use self::people::{PeopleParts, PeopleService};
pub use self::providers::ProviderService;
pub use self::stripe::StripeService;
pub(crate) use self::system::SystemService;
