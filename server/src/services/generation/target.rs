//! What a request asks to be answered: a new message, an older one again or in other words, or the rest of an answer.

use app::ApiError;
use app::types::{AccountId, Message, MessageId, ReplyState, ReplyTarget, Role, Thread, ThreadId, Title};
use chrono::Utc;
use uuid::Uuid;

use super::GenerationService;
use super::context::{Context, is_turn};
use super::request::{Asked, Completion, question_of, thread_of};
use crate::AppResult;
use crate::caps::PlanCaps;
use crate::pricing::estimate_tokens;
use crate::providers::llm::{JsonFormat, Sampling, Tools};
use crate::services::chat::{path_to, shown_path};
use crate::store::{messages, threads};

/// A target with everything it refers to.
pub(super) struct Target {
    pub(super) thread: Thread,
    pub(super) is_new_thread: bool,
    /// The message the answer will hang on.
    pub(super) parent: Message,
    pub(super) is_new_message: bool,
    /// What the model is shown, as far as it fits.
    pub(super) context: Context,
    pub(super) instructions: Option<String>,
    pub(super) sampling: Sampling,
    pub(super) tools: Tools,
    pub(super) json: Option<JsonFormat>,
    pub(super) is_by_program: bool,
}

impl Target {
    /// By a person, who leaves it to the model how to answer.
    fn in_chat(thread: Thread, parent: Message, context: Context) -> Self {
        Self {
            thread,
            is_new_thread: false,
            parent,
            is_new_message: false,
            context,
            instructions: None,
            sampling: Sampling::default(),
            tools: Tools::default(),
            json: None,
            is_by_program: false,
        }
    }

    fn by_program(completion: Completion) -> Self {
        let Completion { api_key_id, instructions, turns, sampling, tools, json } = completion;
        let thread = Thread { id: thread_of(api_key_id), title: String::new(), updated_at: Utc::now() };
        let parent = Message { id: question_of(api_key_id), ..user_message(None, String::new()) };
        let target = Self::in_chat(thread, parent, Context::whole(turns));
        Self { instructions, sampling, tools, json, is_by_program: true, ..target }
    }

    /// What the model reads beside the conversation.
    pub(super) fn told_tokens(&self) -> u32 {
        let schema = match &self.json {
            Some(JsonFormat::Schema(schema)) => {
                estimate_tokens(&serde_json::to_string(schema).unwrap_or_default())
            }
            Some(JsonFormat::Object) | None => 0,
        };
        let instructions = self.instructions.as_deref().map_or(0, estimate_tokens);
        [instructions, schema, self.tools.tokens()].into_iter().fold(0, u32::saturating_add)
    }

    /// All that a program ever asks is no conversation, so no cap of conversations is meant for it.
    pub(super) fn plan_caps(&self, caps: PlanCaps) -> PlanCaps {
        if self.is_by_program { PlanCaps { thread: None, ..caps } } else { caps }
    }
}

/// Of a conversation, versions included: it is read whole whenever it is shown or gone on with.
const MOST_MESSAGES: usize = 2_000;
const MOST_BYTES: usize = 8 * 1024 * 1024;

impl GenerationService {
    /// Not found: a thread or message that is not there, not the account's, or not of the right kind.
    pub(super) async fn look_up_target(&self, account_id: AccountId, asked: Asked) -> AppResult<Target> {
        let target = match asked {
            Asked::InChat(target) => target,
            Asked::ByProgram(completion) => return Ok(Target::by_program(*completion)),
        };
        match target {
            ReplyTarget::NewThread { prompt } => Ok(new_thread(prompt.into())),
            ReplyTarget::Thread { thread_id, prompt, after } => {
                let (thread, shown, all) = self.thread(account_id, thread_id).await?;
                let path = match after {
                    Some(leaf) => found(path_to(all, leaf))?,
                    None => shown_path(all, shown),
                };
                Ok(new_message(thread, path, prompt.into()))
            }
            ReplyTarget::Edit { thread_id, message_id, prompt } => {
                let (thread, _, all) = self.thread(account_id, thread_id).await?;
                let mut path = path_to(all, message_id);
                path.pop().filter(is_question).ok_or(ApiError::NotFound)?;
                Ok(new_message(thread, path, prompt.into()))
            }
            ReplyTarget::Retry { thread_id, message_id } => {
                self.existing(account_id, thread_id, message_id, is_question, Context::asking).await
            }
            ReplyTarget::Continue { thread_id, message_id } => {
                self.existing(account_id, thread_id, message_id, can_continue, Context::going_on).await
            }
        }
    }

    async fn existing(
        &self,
        account_id: AccountId,
        thread_id: ThreadId,
        message_id: MessageId,
        is_suitable: fn(&Message) -> bool,
        context: fn(&[Message]) -> Context,
    ) -> AppResult<Target> {
        let (thread, _, all) = self.thread(account_id, thread_id).await?;
        let path = path_to(all, message_id);
        let parent = path.last().filter(|message| is_suitable(message)).ok_or(ApiError::NotFound)?.clone();
        Ok(Target::in_chat(thread, parent, context(&path)))
    }

    /// With what its shown path goes through, and all its messages.
    async fn thread(
        &self,
        account_id: AccountId,
        id: ThreadId,
    ) -> AppResult<(Thread, Option<MessageId>, Vec<Message>)> {
        let mut conn = self.db.get().await?;
        let (thread, shown) = threads::find_shown(&mut conn, account_id, id).await?;
        let all = messages::list(&mut conn, id).await?;
        let bytes: usize = all.iter().map(|message| message.content.len() + message.reasoning.len()).sum();
        if all.len() >= MOST_MESSAGES || bytes >= MOST_BYTES {
            return Err(
                ApiError::invalid("This conversation is as long as it can be. Begin a new one.").into()
            );
        }
        Ok((thread, shown, all))
    }
}

fn found(path: Vec<Message>) -> Result<Vec<Message>, ApiError> {
    if path.is_empty() { Err(ApiError::NotFound) } else { Ok(path) }
}

fn new_thread(prompt: String) -> Target {
    let title = Title::parse(&prompt).map(Title::into_string).unwrap_or_default();
    let thread = Thread { id: ThreadId(Uuid::now_v7()), title, updated_at: Utc::now() };
    Target { is_new_thread: true, ..new_message(thread, Vec::new(), prompt) }
}

/// A message at the end of a path.
fn new_message(thread: Thread, mut path: Vec<Message>, prompt: String) -> Target {
    let parent = user_message(path.last().map(|message| message.id), prompt);
    path.push(parent.clone());
    let context = Context::asking(&path);
    Target { is_new_message: true, ..Target::in_chat(thread, parent, context) }
}

fn user_message(parent_id: Option<MessageId>, content: String) -> Message {
    Message::new(MessageId(Uuid::now_v7()), parent_id, Role::User, content, Utc::now())
}

fn is_question(message: &Message) -> bool {
    message.role == Role::User
}

fn can_continue(message: &Message) -> bool {
    let is_unfinished =
        matches!(message.state, Some(ReplyState::Interrupted | ReplyState::Stopped | ReplyState::Limited));
    message.role == Role::Assistant && is_unfinished && is_turn(message)
}
