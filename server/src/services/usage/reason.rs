//! From the cause of a ledger entry, as [`crate::books::Cause`] is stored, to what a person is told.

use app::types::{CreditLabel, EntryReason, ReplyLabel};

use crate::store::statement::{EntryCredit, Subject};

/// `about`: the reply or the credit that the cause names. A cause nobody here knows is an adjustment.
pub(in crate::services) fn entry_reason(cause: &str, about: Subject) -> EntryReason {
    let (kind, rest) = cause.split_once(':').unwrap_or((cause, ""));
    let Subject { reply, credit } = about;
    match (kind, reply) {
        ("generation", Some(ReplyLabel { generation_id, thread })) if rest.ends_with(":late") => {
            EntryReason::Correction { generation_id, thread }
        }
        ("generation", Some(ReplyLabel { generation_id, thread })) => {
            EntryReason::Reply { generation_id, thread }
        }
        ("overage", reply) => EntryReason::Overage { reply },
        ("free", _) => monthly_credit(rest),
        ("expiry", reply) => EntryReason::Expiry { credit: credit.map(credit_label), reply },
        // It gives back what a refund or a dispute had taken.
        ("refund" | "dispute", _) if matches!(rest.split(':').nth(1), Some("failed" | "won")) => {
            EntryReason::Other
        }
        ("reclaim" | "dispute" | "unpaid" | "take", _) => {
            EntryReason::Reclaim { credit: credit.map(credit_label) }
        }
        ("refund", _) => EntryReason::Refund,
        ("grant", _) => EntryReason::Gift,
        ("invoice" | "grace", _) => EntryReason::Subscription,
        ("pack", _) => EntryReason::Pack,
        _ => EntryReason::Other,
    }
}

fn credit_label(credit: EntryCredit) -> CreditLabel {
    let reason = entry_reason(&credit.cause, Subject::default());
    CreditLabel { reason: Box::new(reason), given_at: credit.given_at }
}

fn monthly_credit(rest: &str) -> EntryReason {
    // Of an account; the rest of a month that an operator gave a higher plan for also names the plan.
    let month = rest.split(':').nth(1).and_then(|text| text.parse().ok());
    month.map_or(EntryReason::Other, |month| EntryReason::MonthlyCredit { month })
}

#[cfg(test)]
mod tests {
    use app::types::{AccountId, GenerationId, ThreadId, ThreadLabel};
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::books::Cause;

    fn told_of(cause: Cause, about: Subject) -> String {
        entry_reason(&cause.to_string(), about).to_string()
    }

    fn told(cause: Cause) -> String {
        let title = "Lease".to_owned();
        let thread =
            ThreadLabel { id: ThreadId(Uuid::from_u128(2)), title, is_deleted: false, is_program: false };
        let reply = ReplyLabel { generation_id: GenerationId(Uuid::from_u128(1)), thread };
        told_of(cause, Subject { reply: Some(reply), credit: None })
    }

    /// Of something that happened to credit.
    fn told_of_credit(cause: Cause, given_as: &Cause) -> String {
        let given_at = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let credit = Some(EntryCredit { cause: given_as.to_string(), given_at });
        told_of(cause, Subject { reply: None, credit })
    }

    #[test]
    fn every_cause_is_told_in_words() {
        let (id, grant) = (GenerationId(Uuid::from_u128(1)), Uuid::from_u128(3));
        let at = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let monthly = Cause::monthly(AccountId(Uuid::from_u128(4)), at);
        assert_eq!(told(monthly.clone()), "Monthly credit for November 2026");
        assert_eq!(told(Cause::Generation(id)), "Reply in Lease");
        assert_eq!(told(Cause::LateGeneration(id)), "Correction of a reply in Lease");
        for cause in [Cause::Expiry(grant), Cause::ExpiryAfter(grant, id)] {
            assert_eq!(
                told_of_credit(cause.clone(), &monthly),
                "Credit that expired: the monthly credit for November 2026"
            );
            assert_eq!(told_of(cause, Subject::default()), "Credit that expired");
        }
        assert_eq!(
            told(Cause::ExpiryOfCorrection(id)),
            "Credit that expired before the correction of a reply in Lease"
        );
        assert_eq!(
            told_of_credit(Cause::ReclaimAfter(grant, id), &Cause::Other("pack:cs_1".to_owned())),
            "Credit taken back: what you bought on 18 November 2026"
        );
        for cause in [Cause::Overage(id), Cause::LateOverage(id)] {
            assert_eq!(told(cause), "Pay as you go for a reply in Lease, on your next invoice");
        }
        for (cause, words) in [
            ("refund:re_1", "Refund"),
            ("grant:1", "Credit given by the operator"),
            ("take:1", "Credit taken back"),
            ("invoice:in_1:month:2", "Credit of your subscription"),
            ("grace:in_1", "Credit of your subscription"),
            ("dispute:dp_1", "Credit taken back"),
            ("dispute:dp_1:won:grace", "Adjustment"),
            ("refund:re_1:month:2", "Refund"),
            ("refund:re_1:failed", "Adjustment"),
            ("unpaid:in_1", "Credit taken back"),
            ("pack:cs_1", "Credit you bought"),
            ("something:new", "Adjustment"),
            ("free:strange", "Adjustment"),
            ("free:1:2026-11:pro", "Monthly credit for November 2026"),
        ] {
            assert_eq!(told(Cause::Other(cause.to_owned())), words, "{cause}");
        }
        assert_eq!(entry_reason("generation:not-an-id", Subject::default()).to_string(), "Adjustment");
    }
}
