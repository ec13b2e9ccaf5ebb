//! Telling a notice: by mail, or by leaving it to the app.

use app::links::{ACCOUNT_PATH, BILLING_PATH, USAGE_CAPS_PATH};
use app::types::{AccountId, NoticeId};

use super::NoticeService;
use super::letter::{Action, Links, on_our_site, write};
use crate::AppResult;
use crate::providers::mail::{Letter, MailError, Mailer};
use crate::store::erasures;
use crate::store::mail::{self, Reader};
use crate::store::notices::{self, Facts, NoticeRow};
use crate::store::{Connection, StoreResult};

impl NoticeService {
    /// Tells a notice, once. Between a mail server's yes and our note of it a process can die; then the mail is sent
    /// again, with the same Message-ID, by which mail programs recognise a copy. No other order would do: noted first, a
    /// mail could be lost.
    ///
    /// The inner error is one of the mail server's, after which the notice is to be told later; on the `is_last_try` it is
    /// left to the app.
    pub async fn deliver(&self, id: NoticeId, is_last_try: bool) -> AppResult<Result<(), MailError>> {
        let mut conn = self.db.get().await?;
        let Some(notice) = notices::find_untold(&mut conn, id).await? else { return Ok(Ok(())) };
        let Some((mailer, letter)) = self.letter(&mut conn, notice).await? else {
            notices::keep(&mut conn, id).await?;
            return Ok(Ok(()));
        };
        // No connection is held while the mail server thinks.
        drop(conn);
        let sent = mailer.send(&letter).await;
        let mut conn = self.db.get().await?;
        match sent {
            Ok(()) => notices::mark_mailed(&mut conn, id).await?,
            Err(error @ MailError::Refused(_)) => {
                tracing::warn!(notice.id = %id, %error, "A mail was refused; the app tells it instead");
                notices::keep(&mut conn, id).await?;
            }
            Err(error) => {
                if is_last_try {
                    notices::keep(&mut conn, id).await?;
                }
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// The mail, and what sends it. None: it is for the app to tell.
    async fn letter(
        &self,
        conn: &mut Connection,
        notice: NoticeRow,
    ) -> StoreResult<Option<(&Mailer, Letter)>> {
        let Some(mailer) = &self.mailer else { return Ok(None) };
        // What a newer version wrote is for it to tell, in the app.
        let Ok(facts) = serde_json::from_value::<Facts>(notice.facts) else { return Ok(None) };
        let Some(reader) = reader(conn, AccountId(notice.account_id), &facts).await? else { return Ok(None) };
        let account_id = AccountId(notice.account_id);
        let Some(action) = self.action(conn, account_id, &facts).await? else { return Ok(None) };
        let token = match facts.kind().is_optional() {
            true => Some(Self::make_link(conn, reader.user_id).await?),
            false => None,
        };
        let links = Links { public_url: &self.public_url, action, token: token.as_ref() };
        Ok(Some((mailer, write(notice.id, reader.address, &facts, &self.plans, &links))))
    }

    /// Where a mail leads to. None: it has come to nothing, because what was to be paid is paid, or the account is kept.
    async fn action(
        &self,
        conn: &mut Connection,
        account_id: AccountId,
        facts: &Facts,
    ) -> StoreResult<Option<Action>> {
        let own = |path: &str| on_our_site(&self.public_url, path);
        let billing = own(BILLING_PATH);
        let action = match facts {
            Facts::InvoicePaid { invoice_id, .. } => {
                let page = notices::find_invoice(conn, invoice_id).await?.and_then(|(page, _)| page);
                Action::new("See the receipt", page.unwrap_or(billing))
            }
            Facts::PackBought { purchase_id, .. } => {
                let page = notices::find_pack_receipt(conn, purchase_id).await?;
                Action::new("See the receipt", page.unwrap_or(billing))
            }
            Facts::PaymentFailed { invoice_id, .. } => match notices::find_invoice(conn, invoice_id).await? {
                Some((_, false)) => return Ok(None),
                Some((Some(page), true)) => Action::new("Pay now", page),
                Some((None, true)) | None => Action::new("Pay now", billing),
            },
            Facts::CardExpiring { .. } => Action::new("Use another card", billing),
            Facts::PlanChanged { .. } => Action::new("See your plan", billing),
            Facts::BudgetAlert { .. } => Action::new("See what was spent", own(USAGE_CAPS_PATH)),
            Facts::ErasurePlanned { erase_at } => {
                if erasures::find_date(conn, account_id).await? != Some(*erase_at) {
                    return Ok(None);
                }
                Action::new("Keep my account", own(ACCOUNT_PATH))
            }
        };
        Ok(Some(action))
    }
}

/// Who gets the mail. None: nobody can, or nobody wants to.
async fn reader(conn: &mut Connection, account_id: AccountId, facts: &Facts) -> StoreResult<Option<Reader>> {
    let Some(reader) = mail::find_reader(conn, account_id).await? else { return Ok(None) };
    let kind = facts.kind();
    let is_unwanted = kind.is_optional() && mail::list_opt_outs(conn, reader.user_id).await?.contains(&kind);
    Ok((!is_unwanted).then_some(reader))
}
