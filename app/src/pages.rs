//! One page a file; the table of routes is in `app.rs`.

mod account;
mod chat;
mod home;
mod not_found;
mod receipt;
mod sign_in;
mod statement;
mod usage;

pub use account::AccountPage;
pub use chat::ChatPage;
pub use home::HomePage;
pub use not_found::NotFoundPage;
pub use receipt::ReceiptPage;
pub use sign_in::SignInPage;
pub use statement::StatementPage;
pub use usage::UsagePage;
