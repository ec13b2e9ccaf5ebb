//! What only time does, done at once: by the database's clock, and under the account's lock, so that everything that
//! happens to an account has one order.

use std::time::Duration;

use app::types::{AccountId, GenerationId};
use diesel::sql_types::{Text, Uuid};
use diesel_async::RunQueryDsl;
use server::store::Connection;

/// Longer than any test: nothing here ends by itself.
pub const DAY: Duration = Duration::from_secs(86_400);

/// Functions of the test's own database. Each says whether there was anything to end.
pub const FUNCTIONS: &str = "
    create function machine_crash(account uuid, generation uuid) returns boolean language plpgsql as $$
    begin
        update accounts set books_version = books_version + 1 where id = account;
        update holds set expires_at = clock_timestamp()
            where generation_id = generation and state = 'pending' and expires_at > clock_timestamp();
        return found and machine_note(account, 'crash', generation::text);
    end $$;

    create function machine_end_grant(account uuid, ended text) returns boolean language plpgsql as $$
    begin
        update accounts set books_version = books_version + 1 where id = account;
        update grants set expires_at = clock_timestamp()
            where cause = ended and (expires_at is null or expires_at > clock_timestamp());
        return found and machine_note(account, 'end_grant', ended);
    end $$;

    -- The month's credit gets another name, as if it were of another month.
    create function machine_end_month(account uuid) returns boolean language plpgsql as $$
    declare
        name text;
    begin
        update accounts set books_version = books_version + 1 where id = account;
        select format('month-%s@%s', count(*) filter (where cause like 'month-%'), account) into name
            from grants where account_id = account;
        perform set_config('session_replication_role', 'replica', true);
        update ledger_entries set cause = name where account_id = account and cause like 'free:%';
        update grants set cause = name, expires_at = clock_timestamp()
            where account_id = account and cause like 'free:%';
        return found and machine_note(account, 'end_month', '');
    end $$;";

diesel::define_sql_function! {
    fn machine_crash(account: Uuid, generation: Uuid) -> Bool;
}
diesel::define_sql_function! {
    fn machine_end_grant(account: Uuid, ended: Text) -> Bool;
}
diesel::define_sql_function! {
    fn machine_end_month(account: Uuid) -> Bool;
}

pub async fn crash(conn: &mut Connection, account_id: AccountId, id: GenerationId) -> bool {
    diesel::select(machine_crash(account_id.0, id.0)).get_result(conn).await.expect("crashed")
}

pub async fn end_grant(conn: &mut Connection, account_id: AccountId, cause: &str) -> bool {
    diesel::select(machine_end_grant(account_id.0, cause)).get_result(conn).await.expect("ended")
}

pub async fn end_month(conn: &mut Connection, account_id: AccountId) -> bool {
    diesel::select(machine_end_month(account_id.0)).get_result(conn).await.expect("ended")
}
