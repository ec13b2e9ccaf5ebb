//! What programs may ask for with a key.

use app::types::{Caller, Charge, GenerationId, Model};

use super::catalog::CatalogService;
use super::generation::{GenerationRequest, GenerationService, Refusal};
use super::plans::Plans;
use crate::AppResult;
use crate::store::{Db, receipts};

pub(crate) use app::api::ReplyStream;

#[derive(Clone)]
pub(crate) struct CompletionService {
    db: Db,
    generations: GenerationService,
    catalog: CatalogService,
    plans: Plans,
}

impl CompletionService {
    pub(crate) fn new(db: Db, generations: GenerationService, catalog: CatalogService, plans: Plans) -> Self {
        Self { db, generations, catalog, plans }
    }

    /// The models that the account's plan includes.
    pub(crate) async fn list_models(&self, caller: Caller) -> AppResult<Vec<Model>> {
        let account = self.plans.of_account(&*self.db.get().await?, caller.account_id).await?;
        let models = self.catalog.list(&account.plan).await?;
        Ok(models.into_iter().filter(|model| model.is_included).collect())
    }

    /// Begins the answer, which is stopped when its events are dropped.
    ///
    /// # Errors
    /// Faults.
    pub(crate) async fn begin(
        &self,
        caller: Caller,
        request: GenerationRequest,
    ) -> AppResult<Result<ReplyStream, Refusal>> {
        self.generations.begin(caller.account_id, request).await
    }

    /// What an answer that has ended used. None: it was swept, and is not settled yet.
    pub(crate) async fn charge(&self, caller: Caller, id: GenerationId) -> AppResult<Option<Charge>> {
        let reply = receipts::find(&mut *self.db.get().await?, caller.account_id, id).await?;
        Ok(reply.charge)
    }
}
