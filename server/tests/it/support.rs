mod browser;
mod clock;
mod database;
mod proxy;
mod reply;
mod router;
mod sandbox;
mod stripe;
mod test_app;

pub use browser::{Browser, location};
pub use database::{LOOK_AGAIN_AFTER, TestDatabase};
pub use proxy::{Fault, Proxy};
pub use reply::{Reply, new_request, prompt, read_all};
pub use router::{ask, to_router};
pub use sandbox::Sandbox;
pub use stripe::{GOOD_CARD, Shop, WEBHOOK_SECRET, available, begin, billing, id_of_page, session_id};
pub use test_app::{ServerProcess, TestApp, free_port};
