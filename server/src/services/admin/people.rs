//! People and their accounts.

use app::ApiResult;
use app::api::admin::PeopleApi;
use app::types::{Nanos, Operator, PeoplePage, PeopleQuery, PersonSummary, Standing, UserId};
use async_trait::async_trait;

use crate::AppResult;
use crate::error::reported;
use crate::services::billing::standing_of;
use crate::services::plans::Plans;
use crate::store::Db;
use crate::store::people::{self, PersonRow};

/// People on a page.
const PAGE: usize = 50;

#[derive(Clone)]
pub struct PeopleService {
    db: Db,
    plans: Plans,
}

impl PeopleService {
    pub fn new(db: Db, plans: Plans) -> Self {
        Self { db, plans }
    }

    async fn page(&self, query: PeopleQuery) -> AppResult<PeoplePage> {
        // One more than shown tells whether there is more.
        let mut rows = people::list(&mut *self.db.get().await?, &query, PAGE as i64 + 1).await?;
        let has_more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| has_more).map(|row| row.place(query.sort));
        let plans = self.plans.list().into_iter().map(|plan| (plan.key, plan.name)).collect();
        Ok(PeoplePage { people: rows.into_iter().map(|row| self.to_summary(row)).collect(), next, plans })
    }

    fn to_summary(&self, row: PersonRow) -> PersonSummary {
        let dunning = row.dunning();
        PersonSummary {
            standing: dunning.map_or(Standing::Free, |dunning| standing_of(&dunning, row.at)),
            plan_name: self.plans.name_of(&row.plan),
            spent_this_month: row.spent_this_month(),
            balance: Nanos(row.posted_nanos),
            id: UserId(row.id),
            display_name: row.display_name,
            email: row.email,
            is_operator: row.is_operator,
            is_suspended: row.is_suspended,
            last_seen_at: row.last_seen_at,
            created_at: row.created_at,
        }
    }
}

#[async_trait]
impl PeopleApi for PeopleService {
    async fn list(&self, operator: &Operator, query: PeopleQuery) -> ApiResult<PeoplePage> {
        reported(operator.actor(), self.page(query)).await
    }
}
