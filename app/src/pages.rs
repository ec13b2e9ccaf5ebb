//! One page a file; the table of routes is in `app.rs`.

mod account;
mod chat;
mod home;
mod not_found;
mod sign_in;
mod usage;

pub use account::AccountPage;
pub use chat::ChatPage;
pub use home::HomePage;
pub use not_found::NotFoundPage;
pub use sign_in::SignInPage;
pub use usage::UsagePage;
