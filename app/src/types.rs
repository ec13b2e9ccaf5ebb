//! What travels between the browser and the server. Wire types only ever gain fields.

mod chat;
mod ids;
mod model;
mod money;
mod quota;
mod user;

pub use chat::{
    ChatEvent, ChatEventKind, Conversation, DeletedThread, Message, Prompt, PromptError, ReplyRequest,
    ReplyState, ReplyTarget, Role, Thread, Title,
};
pub use ids::{AccountId, ClientRequestId, GenerationId, MessageId, SessionId, ThreadId, UserId};
pub use model::{Model, ModelPrices};
pub use money::Nanos;
pub use quota::{Credit, Limit, LimitName, Plan, Quota, UsageEntry};
#[cfg(feature = "ssr")]
pub use user::{Actor, SignedIn};
pub use user::{Session, SignInMethod, User};
