//! What programs may ask for with a key.

use app::types::{Caller, Charge, GenerationId};

use super::catalog::CatalogService;
use super::generation::{GenerationRequest, GenerationService, Refusal};
use super::plans::Plans;
use crate::AppResult;
use crate::store::catalog::CatalogModel;
use crate::store::{Db, receipts};

pub(crate) use app::api::ReplyStream;

/// A model as programs are told of it.
pub(crate) struct OfferedModel {
    pub(crate) key: String,
    /// What it can read and write at once.
    pub(crate) context_tokens: u32,
    /// The longest answer.
    pub(crate) max_output_tokens: u32,
}

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
    pub(crate) async fn list_models(&self, caller: Caller) -> AppResult<Vec<OfferedModel>> {
        let account = self.plans.of_account(&*self.db.get().await?, caller.account_id).await?;
        let models = self.catalog.included(&account.plan).await?;
        Ok(models.iter().map(|model| OfferedModel::from(&**model)).collect())
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

impl From<&CatalogModel> for OfferedModel {
    fn from(model: &CatalogModel) -> Self {
        Self {
            key: model.key.clone(),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
        }
    }
}
