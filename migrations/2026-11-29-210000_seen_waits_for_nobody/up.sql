-- When somebody is seen, the row of their session is locked already. Waiting for the person's row as well could meet whoever
-- locks the two the other way round, so whoever has it is not waited for: the next time will be noted.
create or replace function note_seen() returns trigger language plpgsql as $$
begin
    with seen as (
        select id from users where id = new.user_id and last_seen_at < new.last_seen_at for no key update skip locked
    )
    update users set last_seen_at = new.last_seen_at from seen where users.id = seen.id;
    return null;
end $$;
