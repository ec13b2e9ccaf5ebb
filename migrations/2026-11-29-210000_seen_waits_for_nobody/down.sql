create or replace function note_seen() returns trigger language plpgsql as $$
begin
    update users set last_seen_at = new.last_seen_at where id = new.user_id and last_seen_at < new.last_seen_at;
    return null;
end $$;
