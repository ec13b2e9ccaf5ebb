//! What a person's page is made of.

mod access_deeds;
mod activity;
mod api_keys;
mod credit_deeds;
mod deed;
mod facts;
mod failures;
mod limit_deeds;
mod money;
mod plan_deeds;

pub use access_deeds::AccessDeeds;
pub use activity::PersonActivity;
pub use api_keys::PersonApiKeys;
pub use credit_deeds::CreditDeeds;
pub use deed::Deeds;
pub use facts::PersonHead;
pub use failures::PersonFailures;
pub use limit_deeds::LimitDeeds;
pub use money::PersonMoney;
pub use plan_deeds::PlanDeeds;
