//! State that more than one component shares: `provide_*` near the root, `use_*` below it.

mod clock;
mod coming_back;
mod conversation;
mod here;
mod kept;
mod models;
mod notices;
mod page_title;
mod quota;
mod request_id;
mod session;
mod site_links;
mod standing;
mod theme;
mod thread_search;
mod threads;
mod toast;

pub use clock::{provide_clock, use_clock};
pub use conversation::{Activity, OpenConversation, Refusal};
pub use here::use_here;
pub use models::Models;
pub use notices::{provide_notices, use_notices};
pub use page_title::{PageTitle, provide_page_title, set_page_title};
pub use quota::{QuotaContext, provide_quota, use_quota};
pub use request_id::current_request_id;
pub use session::{SessionContext, provide_session, use_session};
pub use site_links::site_links;
pub use standing::{StandingContext, provide_standing, use_standing};
pub use theme::{Theme, current_theme};
pub use thread_search::ThreadSearch;
pub use threads::{Threads, provide_threads, use_threads};
pub use toast::{Toast, ToastContext, UndoDelete, provide_toasts, use_toasts};
