//! Threads, and the door to their replies.

mod path;

use app::api::{ChatApi, ReplyStream};
use app::types::{
    AccountId, Actor, Conversation, Forgotten, FoundThread, GenerationId, Message, MessageId, Model, Plan,
    Rating, ReplyRequest, Thread, ThreadId, ThreadPlace, Title,
};
use app::{ApiError, ApiResult};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use self::path::{Versions, leads_on};
pub(super) use self::path::{path_to, shown_path};
use super::catalog::CatalogService;
use super::generation::{GenerationService, History, split_context};
use super::plans::Plans;
use super::ratings::RatingService;
use crate::AppResult;
use crate::error::reported;
use crate::store::{Db, generations, messages, thread_search, threads};

/// What is looked for in messages, in characters.
const LONGEST_SEARCH: usize = 200;

#[derive(Clone)]
pub struct ChatService {
    db: Db,
    generations: GenerationService,
    catalog: CatalogService,
    plans: Plans,
    ratings: RatingService,
}

impl ChatService {
    pub fn new(
        db: Db,
        generations: GenerationService,
        catalog: CatalogService,
        plans: Plans,
        ratings: RatingService,
    ) -> Self {
        Self { db, generations, catalog, plans, ratings }
    }

    /// As it is shown.
    async fn conversation(&self, account_id: AccountId, id: ThreadId) -> AppResult<Conversation> {
        let mut conn = self.db.get().await?;
        let (thread, shown) = threads::find_shown(&mut conn, account_id, id).await?;
        // Asked for before the messages: a reply that ends in between is then among them.
        let live = generations::list_live(&mut conn, id).await?;
        let all = messages::list(&mut conn, id).await?;
        let ratings = self.ratings.list(&mut conn, account_id, id).await?;
        let plan = self.plans.of_account(&conn, account_id).await?.plan;
        // The models may have to be read, which takes a connection of its own.
        drop(conn);
        let versions = Versions::of(&all);
        let mut messages = shown_path(all, shown);
        for message in &mut messages {
            message.rating = ratings.get(&message.id).copied();
            message.versions = versions.beside(message);
        }
        let live_reply = live.into_iter().find(|(_, parent_id)| leads_on(&messages, shown, *parent_id));
        let live_reply = live_reply.map(|(id, _)| id);
        let forgotten = self.forgotten(&messages, &plan).await?;
        Ok(Conversation { thread, messages, live_reply, forgotten })
    }

    /// What titles say comes first.
    async fn search(&self, account_id: AccountId, words: &str) -> AppResult<Vec<FoundThread>> {
        // As titles are written: with single spaces, and cut where they are cut.
        let Some(title) = Title::parse(words).map(Title::into_string) else { return Ok(Vec::new()) };
        let mut conn = self.db.get().await?;
        let titles = threads::search_titles(&mut conn, account_id, &title).await?;
        let room = (Thread::FOUND as usize).saturating_sub(titles.len());
        let words = one_line(words);
        let in_messages = match room > 0 && FoundThread::is_in_messages(&words) {
            true => thread_search::search_messages(&mut conn, account_id, &words, &titles, room).await?,
            false => Vec::new(),
        };
        Ok(titles.into_iter().map(FoundThread::from).chain(in_messages).collect())
    }

    /// What the models of a plan are not shown any more of a path.
    async fn forgotten(&self, path: &[Message], plan: &Plan) -> AppResult<Vec<Forgotten>> {
        let history = History::of(path);
        let forgotten = self.catalog.included(plan).await?.into_iter().filter_map(|model| {
            let (_, tokens) = split_context(&model, plan.default_output_tokens);
            Some(Forgotten { last: history.last_forgotten(tokens)?, model: model.key.clone() })
        });
        Ok(forgotten.collect())
    }
}

/// With single spaces, at most [`LONGEST_SEARCH`] characters, and without NUL, which no database keeps.
fn one_line(words: &str) -> String {
    let line = words.replace('\0', "").split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_SEARCH).collect()
}

#[async_trait]
impl ChatApi for ChatService {
    async fn list_threads(&self, actor: &Actor) -> ApiResult<Vec<Thread>> {
        let user = actor.reader()?;
        reported(actor, async { Ok(threads::list(&mut *self.db.get().await?, user.account_id, None).await?) })
            .await
    }

    async fn list_older_threads(&self, actor: &Actor, before: ThreadPlace) -> ApiResult<Vec<Thread>> {
        let user = actor.reader()?;
        // PostgreSQL knows no time as far away as a client can name.
        let updated_at = before.updated_at.clamp(DateTime::UNIX_EPOCH, Utc::now() + TimeDelta::days(1));
        let before = ThreadPlace { updated_at, ..before };
        reported(actor, async {
            Ok(threads::list(&mut *self.db.get().await?, user.account_id, Some(before)).await?)
        })
        .await
    }

    async fn search_threads(&self, actor: &Actor, words: String) -> ApiResult<Vec<FoundThread>> {
        // Not for operators who only look: what is found would tell what is hidden from them.
        let user = actor.owner()?;
        reported(actor, self.search(user.account_id, &words)).await
    }

    async fn read_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<Conversation> {
        let user = actor.reader()?;
        reported(actor, self.conversation(user.account_id, id)).await
    }

    async fn show_version(&self, actor: &Actor, id: MessageId) -> ApiResult<Conversation> {
        let user = actor.user()?;
        reported(actor, async {
            let thread_id = threads::show(&mut *self.db.get().await?, user.account_id, id).await?;
            self.conversation(user.account_id, thread_id).await
        })
        .await
    }

    async fn rename_thread(&self, actor: &Actor, id: ThreadId, title: String) -> ApiResult<()> {
        let user = actor.user()?;
        let title = Title::parse(&title)
            .ok_or_else(|| ApiError::invalid("A conversation needs a name."))?
            .into_string();
        reported(actor, async {
            Ok(threads::rename(&mut *self.db.get().await?, user.account_id, id, &title).await?)
        })
        .await
    }

    async fn delete_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, async { Ok(threads::delete(&mut *self.db.get().await?, user.account_id, id).await?) })
            .await
    }

    async fn restore_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, async {
            Ok(threads::restore(&mut *self.db.get().await?, user.account_id, id).await?)
        })
        .await
    }

    async fn list_models(&self, actor: &Actor) -> ApiResult<Vec<Model>> {
        let user = actor.reader()?;
        reported(actor, async {
            let account = self.plans.of_account(&*self.db.get().await?, user.account_id).await?;
            self.catalog.list(&account.plan).await
        })
        .await
    }

    async fn start_reply(&self, actor: &Actor, request: ReplyRequest) -> ApiResult<ReplyStream> {
        let user = actor.user()?;
        reported(actor, self.generations.start(user.account_id, request)).await
    }

    async fn follow_reply(&self, actor: &Actor, id: GenerationId, after_seq: u32) -> ApiResult<ReplyStream> {
        let user = actor.user()?;
        reported(actor, self.generations.follow(user.account_id, id, after_seq)).await
    }

    async fn stop_reply(&self, actor: &Actor, id: GenerationId) -> ApiResult<()> {
        let user = actor.owner()?;
        reported(actor, self.generations.stop(user.account_id, id)).await
    }

    async fn rate_reply(&self, actor: &Actor, id: MessageId, rating: Rating) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.ratings.rate(user.account_id, id, Some(rating))).await
    }

    async fn take_rating_back(&self, actor: &Actor, id: MessageId) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.ratings.rate(user.account_id, id, None)).await
    }
}
