//! One page a file; the table of routes is in `app.rs`.

mod account;
pub mod admin;
mod api_keys;
mod billing;
mod cancel;
mod change_plan;
mod chat;
mod checkout;
mod delete_account;
mod home;
mod not_found;
mod pricing;
mod receipt;
mod sign_in;
mod statement;
mod usage;

pub use account::AccountPage;
pub use api_keys::ApiKeysPage;
pub use billing::BillingPage;
pub use cancel::CancelPage;
pub use change_plan::ChangePlanPage;
pub use chat::ChatPage;
pub use checkout::CheckoutPage;
pub use delete_account::DeleteAccountPage;
pub use home::HomePage;
pub use not_found::NotFoundPage;
pub use pricing::PricingPage;
pub use receipt::ReceiptPage;
pub use sign_in::SignInPage;
pub use statement::StatementPage;
pub use usage::UsagePage;
