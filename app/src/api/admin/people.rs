//! People and their accounts.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Operator;
use crate::types::{PeoplePage, PeopleQuery};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait PeopleApi: Send + Sync {
    async fn list(&self, operator: &Operator, query: PeopleQuery) -> ApiResult<PeoplePage>;
}

#[server(endpoint = "admin/people/list")]
pub async fn list_people(#[server(default)] query: PeopleQuery) -> ApiResult<PeoplePage> {
    let (backend, operator) = operate()?;
    answer(backend.people.list(&operator, query).await)
}
