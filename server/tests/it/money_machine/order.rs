//! The order in which an account's steps were taken. The database notes each change of the books when it is made: its
//! maker has the account's lock then, so the numbers of the notes are the order of the transactions.

use app::types::{ClientRequestId, GenerationId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::account::Account;
use super::state::local;
use super::step::Step;
use crate::support::TestDatabase;

/// A note without a step says only that the books were written.
pub const NOTES: &str = "
    create table machine_notes (
        number bigint generated always as identity primary key,
        transaction xid8 not null default pg_current_xact_id(),
        account_id uuid not null,
        step text,
        subject text,
        amount bigint
    );
    create index on machine_notes (account_id, number);

    create function machine_note(account uuid, step text, subject text, amount bigint default null)
    returns boolean language sql as $$
        insert into machine_notes (account_id, step, subject, amount) values ($1, $2, $3, $4) returning true
    $$;

    create function note_change() returns trigger language plpgsql as $$
    begin
        case tg_table_name || ' ' || tg_op
            when 'holds INSERT' then perform machine_note(new.account_id, 'claim', new.generation_id::text);
            when 'usage_records INSERT' then
                perform machine_note(new.account_id, case when new.is_provisional then 'sweep' else 'settle' end,
                    new.generation_id::text, new.charged_nanos);
            when 'usage_records UPDATE' then
                perform machine_note(new.account_id, 'settle', new.generation_id::text, new.charged_nanos);
            when 'grants INSERT' then
                perform machine_note(new.account_id, case when new.cause like 'grant-%' then 'give' end, new.cause);
            when 'ledger_entries INSERT' then
                perform machine_note(new.account_id, case when new.cause like 'refund-%' then 'take_back' end, new.cause);
            when 'hold_allocations DELETE' then
                perform machine_note(holds.account_id, null, null) from holds where generation_id = old.generation_id;
            else perform machine_note(new.account_id, null, null);
        end case;
        return null;
    end $$;
    create trigger note_change after insert on holds for each row execute function note_change();
    create trigger note_change after insert or update on usage_records for each row execute function note_change();
    create trigger note_change after insert or update on grants for each row execute function note_change();
    create trigger note_change after insert on ledger_entries for each row execute function note_change();
    create trigger note_change after delete on hold_allocations for each row execute function note_change();";

/// Every step that has changed the account's books.
pub async fn read(database: &TestDatabase, account: &Account) -> Vec<Step> {
    let id = account.id;
    let notes = format!(
        "select max(step), max(subject) filter (where step is not null), max(amount), max(client_request_id::text),
             count(distinct step)
         from machine_notes left join generations
             on step = 'claim' and generations.id::text = subject
         where machine_notes.account_id = '{id}'
         group by transaction order by min(number)"
    );
    database.rows(&notes).await.iter().map(|row| step(account, row)).collect()
}

fn step(account: &Account, row: &Row) -> Step {
    let steps: i64 = row.get(4);
    assert!(steps <= 1, "one transaction, one step");
    let Some(step) = row.get::<_, Option<String>>(0) else { return Step::Open };
    let subject: String = row.get(1);
    let generation = || GenerationId(subject.parse().expect("an id"));
    let charged = || row.get::<_, Option<i64>>(2).expect("an amount");
    let name = local(account.id, &subject);
    match step.as_str() {
        "claim" => {
            let request: Uuid = row.get::<_, String>(3).parse().expect("an id");
            account.known().claim_step(ClientRequestId(request), generation())
        }
        "settle" => Step::Settle { id: generation(), charged: charged() },
        "sweep" => Step::Sweep { id: generation(), charged: charged() },
        "crash" => Step::Crash { id: generation() },
        "give" | "take_back" => account.known().step_of(&name),
        "end_grant" => Step::EndGrant { grant: name },
        "end_month" => Step::EndMonth,
        _ => panic!("an unknown step: {step}"),
    }
}
