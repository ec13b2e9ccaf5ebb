//! The account's clock: everything that falls due is done in order, each thing at its own moment.

use serde_json::Value;

use crate::stripe::books::Books;
use crate::stripe::cards::Presence;
use crate::stripe::invoices::collection::{self, Attempt};
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::{ending, items, pending, renewal};
use crate::stripe::{checkout, schedules};

const DAY: i64 = 86_400;
/// How long a first invoice may stay unpaid.
const INCOMPLETE_SECONDS: i64 = 23 * 3_600;
/// No account has so much to make up for; more means that something stays due for ever.
const MOST_STEPS: usize = 100_000;

/// Something that happens by itself. What happens at the same moment happens in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    ExpireCheckout,
    WarnOfTrialEnd,
    ResumeCollection,
    AdvanceSchedule,
    ExpireIncomplete,
    ExpirePendingUpdate,
    Cancel,
    EndPeriod,
    FinalizeInvoice,
    RetryInvoice,
}

/// Does everything that fell due up to now.
pub(crate) fn catch_up(books: &mut Books) {
    let until = books.now();
    for _ in 0..MOST_STEPS {
        let Some((moment, task, id)) = next_due(books, until) else { break };
        books.set_moment(Some(moment));
        run(books, task, &id);
    }
    books.set_moment(None);
}

fn next_due(books: &Books, until: i64) -> Option<(i64, Task, String)> {
    let due = books.objects.iter().flat_map(|object| {
        let id = object.text("id").to_owned();
        tasks_of(books, object).into_iter().map(move |(moment, task)| (moment, task, id.clone()))
    });
    due.filter(|(moment, _, _)| *moment <= until).min()
}

fn tasks_of(books: &Books, object: &Value) -> Vec<(i64, Task)> {
    match (object.text("object"), object.text("status")) {
        ("checkout.session", "open") => vec![(object.integer("expires_at"), Task::ExpireCheckout)],
        ("invoice", "draft") => moment(&object["automatically_finalizes_at"], Task::FinalizeInvoice),
        ("invoice", "open") => moment(&object["next_payment_attempt"], Task::RetryInvoice),
        ("subscription_schedule", "active" | "not_started") => {
            moment(&schedules::next_moment(object), Task::AdvanceSchedule)
        }
        ("subscription", "incomplete") => {
            vec![(object.integer("created") + INCOMPLETE_SECONDS, Task::ExpireIncomplete)]
        }
        ("subscription", "active" | "trialing" | "past_due" | "unpaid" | "paused") => {
            subscription_tasks(books, object)
        }
        _ => Vec::new(),
    }
}

fn subscription_tasks(books: &Books, subscription: &Value) -> Vec<(i64, Task)> {
    let mut tasks = moment(&subscription["pause_collection"]["resumes_at"], Task::ResumeCollection);
    tasks.extend(moment(&subscription["pending_update"]["expires_at"], Task::ExpirePendingUpdate));
    if subscription.text("status") != "paused" {
        tasks.push((items::period_of(subscription).1, Task::EndPeriod));
    }
    if !subscription.is("cancel_at_period_end") {
        tasks.extend(moment(&subscription["cancel_at"], Task::Cancel));
    }
    if subscription.text("status") == "trialing" && !books.trial_warnings.contains(subscription.text("id")) {
        let warning = subscription.integer("trial_end") - 3 * DAY;
        tasks.push((warning.max(subscription.integer("trial_start")), Task::WarnOfTrialEnd));
    }
    tasks
}

fn moment(field: &Value, task: Task) -> Vec<(i64, Task)> {
    field.as_i64().map(|moment| (moment, task)).into_iter().collect()
}

fn run(books: &mut Books, task: Task, id: &str) {
    match task {
        Task::ExpireCheckout => checkout::expire_now(books, id),
        Task::WarnOfTrialEnd => {
            books.trial_warnings.insert(id.to_owned());
            books.tell_of("customer.subscription.trial_will_end", id);
        }
        Task::ResumeCollection => {
            books.change(id, "customer.subscription.updated", |subscription| {
                subscription["pause_collection"] = Value::Null;
            });
        }
        Task::AdvanceSchedule => schedules::advance(books, id),
        Task::ExpireIncomplete => ending::expire(books, id),
        Task::ExpirePendingUpdate => pending::discard(books, id),
        Task::Cancel => ending::cancel_at_end(books, id),
        Task::EndPeriod => renewal::end_period(books, id),
        Task::FinalizeInvoice => renewal::finalize_and_collect(books, id),
        Task::RetryInvoice => {
            collection::collect(books, id, None, Presence::Away, Attempt::Scheduled);
        }
    }
}
