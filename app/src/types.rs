//! What travels between the browser and the server. Wire types only ever gain fields.

mod api_key;
mod attempt;
mod audit;
mod billing;
mod cap;
mod chat;
mod erasure;
mod figures;
mod ids;
mod job;
mod model;
mod money;
mod notice;
mod people;
mod period;
mod person;
mod provider;
mod quota;
mod receipt;
mod site_links;
mod statement;
mod stripe_event;
mod system;
mod tool_call;
mod usage;
mod user;

pub use api_key::{ApiKey, ApiKeyList, ApiKeyName, CreatedApiKey};
pub use attempt::AttemptOutcome;
pub use audit::{AuditChange, AuditEvent, AuditKind, AuditPage, AuditQuery, FailedRequest, PersonLabel};
pub use billing::{
    Billing, Card, CheckoutOutcome, Interval, Invoice, InvoiceStatus, Offers, OverageTerms, PackOffer,
    PackPurchase, PlanOffer, PlanOverride, PlannedChange, PortalPage, Price, Standing, Subscription,
};
pub use cap::{Alert, AlertBasis, Cap, CapScope, CapTerms, ThreadSpending};
pub use chat::{
    ChatEvent, ChatEventKind, Conversation, Forgotten, FoundThread, Message, Prompt, PromptError, Rating,
    ReplyRequest, ReplyState, ReplyTarget, Role, Thread, ThreadPlace, Title,
};
pub use erasure::{ErasureObstacle, ErasureTerms};
pub use figures::{
    CostExplosion, DayFigures, DayVolume, Figures, NamedVolume, Overview, PersonVolume, Ratings, Volume,
    VolumeReport,
};
pub use ids::{
    AccountId, ApiKeyId, AuditId, ClientRequestId, EntryId, FormId, GenerationId, JobId, MessageId, NoticeId,
    SessionId, ThreadId, UserId,
};
pub use job::{Job, JobState, JobsPage, JobsQuery, Queue, ScheduledWork};
pub use model::{Model, ModelPrices};
pub use money::{AmountError, Nanos};
pub use notice::{MailRoute, MailSettings, MailSwitch, Notice, NoticeKind};
pub use people::{PeoplePage, PeoplePlace, PeopleQuery, PeopleSort, PersonSummary, StandingName};
pub use period::{Days, Month, Period, PeriodError};
pub use person::{FailedReply, LimitOverride, LiveGrant, OpenHold, Person, Reason, ThreadFacts, ToldNotice};
pub use provider::{BreakerState, Outcome, PriceVersion, ProviderReport, RouteReport};
pub use quota::{Credit, Limit, LimitName, Overage, Plan, Quota};
pub use receipt::{Charge, ChargeLine, ExactAmount, Receipt, ReceiptAttempt};
pub use site_links::SiteLinks;
pub use statement::{CreditLabel, EntryReason, ReplyLabel, Statement, StatementEntry};
pub use stripe_event::{
    Comparison, CustomerLabel, EventState, EventsPage, EventsQuery, Inbox, MeterExport, MoneyBack,
    RefusedUsage, StripeEvent, StripeEventDetail, StripeReport,
};
pub use system::{Fact, Setting, SettingValue, Switch, SwitchState, SystemPart, SystemReport};
pub use tool_call::{ToolCall, ToolCallPiece};
pub use usage::{DayUsage, ModelUsage, ReplyUsage, ThreadLabel, ThreadUsage, Usage, UsageSummary};
#[cfg(feature = "ssr")]
pub use user::{Actor, Caller, Impersonator, Operator, SignedIn};
pub use user::{Session, SignInError, SignInMethod, User, Viewing};
