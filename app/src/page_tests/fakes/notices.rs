//! Two notices that no mail could tell, and one kind of mail turned off.

use uuid::Uuid;

use super::now;
use crate::ApiResult;
use crate::api::NoticesApi;
use crate::types::*;

pub struct Fake;

#[async_trait::async_trait]
impl NoticesApi for Fake {
    async fn list_notices(&self, actor: &Actor) -> ApiResult<Vec<Notice>> {
        actor.user()?;
        let notice = |id, title: &str, text: &str| Notice {
            id: NoticeId(Uuid::from_u128(id)),
            title: title.to_owned(),
            text: text.to_owned(),
            created_at: now(),
        };
        Ok(vec![
            notice(2, "You have <Max> now", "From today on it is <Max>."),
            notice(1, "Receipt: $20.00 for Pro", "Thank you."),
        ])
    }

    async fn dismiss_notice(&self, _: &Actor, _: NoticeId) -> ApiResult<()> {
        Ok(())
    }

    async fn read_mail_settings(&self, _: &Actor) -> ApiResult<MailSettings> {
        let switches = vec![
            MailSwitch { kind: NoticeKind::CardExpiring, is_on: true },
            MailSwitch { kind: NoticeKind::BudgetAlert, is_on: false },
        ];
        Ok(MailSettings { route: MailRoute::NoAddress, switches })
    }

    async fn switch_mail(&self, _: &Actor, _: NoticeKind, _: bool) -> ApiResult<()> {
        Ok(())
    }
}
