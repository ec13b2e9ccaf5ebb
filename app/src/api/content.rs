//! What people and models wrote, kept from operators.
//!
//! Every answer of a server function passes through here, so its type has to say what of it is content: a new one does
//! not compile until that is decided.

use chrono::{DateTime, Utc};

use super::ReplyStream;
use super::admin::NewLimits;
use crate::types::*;

/// Stands where content was.
const HIDDEN: &str = "Hidden from operators";

/// An answer, which may have content in it.
pub trait Content: Sized {
    /// The same without a word that people or models wrote.
    #[must_use]
    fn without_content(self) -> Self;
}

macro_rules! no_content {
    ($($answer:ty),* $(,)?) => {$(
        impl Content for $answer {
            fn without_content(self) -> Self {
                self
            }
        }
    )*};
}

no_content! {
    (), bool, String, User, Session, SignInMethod, Offers, Standing, Billing, CheckoutOutcome, CapTerms, Nanos,
    ThreadSpending, UserId, u32, Reason, NewLimits, Model, Notice, MailSettings, Plan, AuditPage, PeoplePage,
    JobsPage, StripeReport, EventsPage, StripeEventDetail, ProviderReport, SystemReport,
    ModelPrices, DateTime<Utc>, ErasureTerms,
    Overview, VolumeReport,
    // Only those whom the account belongs to can make keys.
    CreatedApiKey,
    // Only those whom the conversation belongs to can ask for replies.
    ReplyStream,
}

impl<T: Content> Content for Option<T> {
    fn without_content(self) -> Self {
        self.map(T::without_content)
    }
}

impl<T: Content> Content for Vec<T> {
    fn without_content(self) -> Self {
        self.into_iter().map(T::without_content).collect()
    }
}

impl Content for Thread {
    fn without_content(self) -> Self {
        Self { title: HIDDEN.to_owned(), ..self }
    }
}

impl Content for FoundThread {
    fn without_content(self) -> Self {
        self.thread.without_content().into()
    }
}

impl Content for Message {
    fn without_content(self) -> Self {
        Self { content: HIDDEN.to_owned(), reasoning: String::new(), tool_calls: Vec::new(), ..self }
    }
}

impl Content for Conversation {
    fn without_content(self) -> Self {
        // A reply that is being written could not be followed.
        Self {
            thread: self.thread.without_content(),
            messages: self.messages.without_content(),
            live_reply: None,
            forgotten: self.forgotten,
        }
    }
}

impl Content for ApiKey {
    fn without_content(self) -> Self {
        Self { name: HIDDEN.to_owned(), ..self }
    }
}

impl Content for ApiKeyList {
    fn without_content(self) -> Self {
        Self { keys: self.keys.without_content(), ..self }
    }
}

impl Content for ThreadLabel {
    fn without_content(self) -> Self {
        Self { title: HIDDEN.to_owned(), ..self }
    }
}

impl Content for Cap {
    fn without_content(mut self) -> Self {
        if let CapScope::Thread { title, .. } = &mut self.scope {
            *title = HIDDEN.to_owned();
        }
        self
    }
}

/// Made for operators: of conversations it has facts only.
impl Content for Person {
    fn without_content(self) -> Self {
        Self { quota: self.quota.without_content(), ..self }
    }
}

impl Content for Quota {
    fn without_content(self) -> Self {
        Self { caps: self.caps.without_content(), ..self }
    }
}

impl Content for ThreadUsage {
    fn without_content(self) -> Self {
        Self { thread: self.thread.without_content(), ..self }
    }
}

impl Content for UsageSummary {
    fn without_content(self) -> Self {
        Self { threads: self.threads.without_content(), ..self }
    }
}

impl Content for ReplyUsage {
    fn without_content(self) -> Self {
        Self { thread: self.thread.without_content(), ..self }
    }
}

impl Content for StatementEntry {
    fn without_content(mut self) -> Self {
        if let Some(thread) = self.reason.thread_mut() {
            *thread = thread.clone().without_content();
        }
        self
    }
}

impl Content for Statement {
    fn without_content(self) -> Self {
        Self { entries: self.entries.without_content(), ..self }
    }
}

impl Content for Receipt {
    fn without_content(self) -> Self {
        Self { thread: self.thread.without_content(), entries: self.entries.without_content(), ..self }
    }
}
