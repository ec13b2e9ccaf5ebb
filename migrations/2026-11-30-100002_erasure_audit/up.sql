-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

-- A row of the audit log stays as it is, with one exception: of people who are erased it loses from where they did
-- something, and why it was done to them in an operator's words, which may name them. What operators did stays theirs.
create function refuse_audit_change() returns trigger language plpgsql as $$
declare
    blank audit_events := old;
begin
    blank.reason := '';
    if old.operator_id is null then
        blank.address := null;
    end if;
    if tg_op = 'UPDATE' and new is not distinct from blank and exists (
        select from accounts where erased_at is not null and id = any (array(
            select old.account_id union all select account_id from users where users.id = old.user_id))) then
        return new;
    end if;
    raise exception 'rows of % are never changed', tg_table_name;
end $$;
drop trigger audit_events_are_immutable on audit_events;
create trigger audit_events_are_immutable before update or delete on audit_events
    for each row execute function refuse_audit_change();
