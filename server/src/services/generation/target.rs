//! What a request asks to be answered: a new message, an older one again, or the rest of an answer.

use app::ApiError;
use app::types::{AccountId, Message, MessageId, ReplyState, ReplyTarget, Role, Thread, ThreadId, Title};
use chrono::Utc;
use uuid::Uuid;

use super::GenerationService;
use crate::AppResult;
use crate::providers::llm::{Speaker, Turn};
use crate::services::chat::{active_path, path_to};
use crate::store::{messages, threads};

/// Makes a model go on with its last answer.
const GO_ON: &str =
    "Your last answer was cut off. Continue it exactly where it stopped, without repeating anything.";

/// A target with everything it refers to.
pub(super) struct Target {
    pub(super) thread: Thread,
    pub(super) is_new_thread: bool,
    /// The message the answer will hang on.
    pub(super) parent: Message,
    pub(super) is_new_message: bool,
    /// What the model is shown, oldest first.
    pub(super) turns: Vec<Turn>,
}

impl GenerationService {
    /// Not found: a thread or message that is not there, not the account's, or not of the right kind.
    pub(super) async fn look_up_target(
        &self,
        account_id: AccountId,
        target: ReplyTarget,
    ) -> AppResult<Target> {
        match target {
            ReplyTarget::NewThread { prompt } => Ok(new_thread(prompt.into())),
            ReplyTarget::Thread { thread_id, prompt } => {
                let (thread, all) = self.thread(account_id, thread_id).await?;
                let mut path = active_path(all);
                let parent = user_message(path.last().map(|message| message.id), prompt.into());
                path.push(parent.clone());
                Ok(Target {
                    thread,
                    is_new_thread: false,
                    parent,
                    is_new_message: true,
                    turns: to_turns(&path),
                })
            }
            ReplyTarget::Retry { thread_id, message_id } => {
                self.existing(account_id, thread_id, message_id, |message| message.role == Role::User).await
            }
            ReplyTarget::Continue { thread_id, message_id } => {
                let mut target = self.existing(account_id, thread_id, message_id, can_continue).await?;
                target.turns.push(Turn { speaker: Speaker::User, text: GO_ON.to_owned() });
                Ok(target)
            }
        }
    }

    async fn existing(
        &self,
        account_id: AccountId,
        thread_id: ThreadId,
        message_id: MessageId,
        is_suitable: impl Fn(&Message) -> bool,
    ) -> AppResult<Target> {
        let (thread, all) = self.thread(account_id, thread_id).await?;
        let path = path_to(all, message_id);
        let parent = path.last().filter(|message| is_suitable(message)).ok_or(ApiError::NotFound)?.clone();
        Ok(Target { thread, is_new_thread: false, parent, is_new_message: false, turns: to_turns(&path) })
    }

    async fn thread(&self, account_id: AccountId, id: ThreadId) -> AppResult<(Thread, Vec<Message>)> {
        let mut conn = self.db.get().await?;
        Ok((threads::find(&mut conn, account_id, id).await?, messages::list(&mut conn, id).await?))
    }
}

fn new_thread(prompt: String) -> Target {
    let title = Title::parse(&prompt).map(Title::into_string).unwrap_or_default();
    let thread = Thread { id: ThreadId(Uuid::now_v7()), title, updated_at: Utc::now() };
    let parent = user_message(None, prompt);
    let turns = to_turns(std::slice::from_ref(&parent));
    Target { thread, is_new_thread: true, parent, is_new_message: true, turns }
}

fn user_message(parent_id: Option<MessageId>, content: String) -> Message {
    Message {
        id: MessageId(Uuid::now_v7()),
        parent_id,
        role: Role::User,
        content,
        created_at: Utc::now(),
        state: None,
        charged: None,
        model: None,
        reasoning: String::new(),
        rating: None,
    }
}

fn can_continue(message: &Message) -> bool {
    let is_unfinished =
        matches!(message.state, Some(ReplyState::Interrupted | ReplyState::Stopped | ReplyState::Limited));
    message.role == Role::Assistant && is_unfinished && !message.content.is_empty()
}

/// A reply that failed before its first word is no turn.
fn to_turns(path: &[Message]) -> Vec<Turn> {
    let turn = |message: &Message| Turn {
        speaker: match message.role {
            Role::User => Speaker::User,
            Role::Assistant => Speaker::Assistant,
        },
        text: message.content.clone(),
    };
    path.iter().filter(|message| !message.content.is_empty()).map(turn).collect()
}
