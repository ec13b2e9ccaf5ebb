-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

alter table accounts
    -- From when on all that is personal is to be erased, because the person wants it. Null: nobody does.
    add column erase_at timestamptz,
    -- When that was done. What is left is money, and names nobody.
    add column erased_at timestamptz,
    -- The last of the account's customers that were deleted at Stripe: what is told of it after an erasure is not kept.
    add column deleted_customer_id text;

-- That an account will be erased is told, too.
alter table notices
    drop constraint notices_kind_check,
    add constraint notices_kind_check check (kind in
        ('receipt', 'payment_failed', 'card_expiring', 'plan_changed', 'budget_alert', 'account_erasure')) not valid;

-- A row of the audit log stays as it is, with one exception: of people who are erased it loses from where, and why in an
-- operator's words, which may name them.
create function refuse_audit_change() returns trigger language plpgsql as $$
declare
    blank audit_events := old;
begin
    blank.address := null;
    blank.reason := '';
    if tg_op = 'UPDATE' and new is not distinct from blank and exists (
        select from accounts where erased_at is not null and (id = old.account_id or id in (
            select account_id from users where users.id in (old.user_id, old.operator_id)))) then
        return new;
    end if;
    raise exception 'rows of % are never changed', tg_table_name;
end $$;
drop trigger audit_events_are_immutable on audit_events;
create trigger audit_events_are_immutable before update or delete on audit_events
    for each row execute function refuse_audit_change();
