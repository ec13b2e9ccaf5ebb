//! One turn, and where it stands among the others.

use std::fmt;

use crate::ApiError;
use crate::types::{Message, MessageId, Nanos, Rating, ReplyState, Role};

/// One turn on the page. It may stand for a message that is not saved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub message_id: Option<MessageId>,
    /// For an answer: the message it answers, or the answer it goes on with.
    pub parent_id: Option<MessageId>,
    pub role: Role,
    pub content: String,
    /// What the model thought before it answered.
    pub reasoning: String,
    pub state: TurnState,
    /// The key of the model that answered.
    pub model: Option<String>,
    pub charged: Option<Nanos>,
    pub rating: Option<Rating>,
    /// What can be shown in its place, oldest first; itself too, once it is saved.
    pub versions: Vec<MessageId>,
    pub error: Option<ApiError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// The person's, on its way to the server.
    Sending,
    /// The person's, saved.
    Sent,
    /// The model's.
    Reply(ReplyState),
    /// The model's; the connection broke and the answer may go on without us.
    Lost,
}

impl TurnState {
    /// As the page's `data-state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Lost => "lost",
            Self::Reply(state) => state.as_str(),
        }
    }
}

impl Turn {
    pub(super) fn sending(content: String) -> Self {
        Self { content, ..Self::empty(Role::User, TurnState::Sending) }
    }

    /// `versions`: what else was answered.
    pub(super) fn answer_to(message_id: Option<MessageId>, versions: Vec<MessageId>) -> Self {
        let streaming = TurnState::Reply(ReplyState::Streaming);
        Self { parent_id: message_id, versions, ..Self::empty(Role::Assistant, streaming) }
    }

    /// A saved message in the place of this turn.
    pub(super) fn give_way(&mut self, message: Message) {
        let mut versions = self.other_versions();
        *self = message.into();
        versions.append(&mut self.versions);
        versions.sort_unstable();
        versions.dedup();
        self.versions = versions;
    }

    /// The versions that are left when another one takes its place: without itself, if it came to nothing.
    pub(super) fn other_versions(&self) -> Vec<MessageId> {
        let came_to_nothing = self.content.trim().is_empty();
        let gone = self.message_id.filter(|_| came_to_nothing);
        self.versions.iter().copied().filter(|id| Some(*id) != gone).collect()
    }

    fn empty(role: Role, state: TurnState) -> Self {
        Self {
            message_id: None,
            parent_id: None,
            role,
            content: String::new(),
            reasoning: String::new(),
            state,
            model: None,
            charged: None,
            rating: None,
            versions: Vec::new(),
            error: None,
        }
    }

    /// Which of its versions it is, where there are others.
    pub fn version(&self) -> Option<Version> {
        let index = self.versions.iter().position(|id| Some(*id) == self.message_id)?;
        let beside = |index: Option<usize>| self.versions.get(index?).copied();
        (self.versions.len() > 1).then(|| Version {
            number: index + 1,
            count: self.versions.len(),
            previous: beside(index.checked_sub(1)),
            next: beside(index.checked_add(1)),
        })
    }

    pub fn is_streaming(&self) -> bool {
        self.state == TurnState::Reply(ReplyState::Streaming)
    }

    /// Ended at its length without a word: all of it went into thinking, seen or unseen.
    pub fn is_all_thought(&self) -> bool {
        self.state == TurnState::Reply(ReplyState::Limited) && self.content.trim().is_empty()
    }

    /// Ended early with something said, so that a model can go on with it.
    pub fn can_be_continued(&self) -> bool {
        let has_ended_early = matches!(
            self.state,
            TurnState::Reply(ReplyState::Interrupted | ReplyState::Stopped | ReplyState::Limited)
        );
        has_ended_early && !self.content.is_empty()
    }
}

impl From<Message> for Turn {
    fn from(message: Message) -> Self {
        let state = match message.role {
            Role::User => TurnState::Sent,
            Role::Assistant => TurnState::Reply(message.state.unwrap_or(ReplyState::Finished)),
        };
        Self {
            message_id: Some(message.id),
            parent_id: message.parent_id,
            role: message.role,
            content: message.content,
            reasoning: message.reasoning,
            state,
            model: message.model,
            charged: message.charged,
            rating: message.rating,
            versions: if message.versions.is_empty() { vec![message.id] } else { message.versions },
            error: None,
        }
    }
}

/// One of several versions of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// From 1, the oldest.
    pub number: usize,
    pub count: usize,
    pub previous: Option<MessageId>,
    pub next: Option<MessageId>,
}

/// `2 of 3`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.count)
    }
}

/// Where a turn stands among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub is_last: bool,
    /// The person's message that is answered here, however often the answer was continued; of that message, itself.
    pub question: Option<MessageId>,
    /// The answer this one goes on with.
    pub continued: Option<MessageId>,
}

impl Place {
    /// `upwards`: the turn itself, then those above it, the nearest first.
    pub(super) fn find(is_last: bool, upwards: impl Iterator<Item = (Role, Option<MessageId>)>) -> Self {
        let mut place = Self { is_last, ..Self::default() };
        for (distance, (role, id)) in upwards.enumerate() {
            match role {
                Role::User => {
                    place.question = id;
                    break;
                }
                Role::Assistant if distance == 1 => place.continued = id,
                Role::Assistant => {}
            }
        }
        place
    }
}
