set local lock_timeout = '3s';
-- What the requests of a key were charged, ever: follows the usage records, and nothing else. So its cap costs no more to
-- check the more it was used.
alter table api_keys add column charged_nanos bigint not null default 0;

create function add_to_key() returns trigger language plpgsql as $$
begin
    update api_keys
    set charged_nanos = api_keys.charged_nanos + new.charged_nanos
        - case tg_op when 'UPDATE' then old.charged_nanos else 0 end
    from generations
    where generations.id = new.generation_id and api_keys.id = generations.thread_id;
    return null;
end $$;
-- Waits for those who write receipts, so that the sum below misses none.
create trigger usage_records_add_to_keys after insert or update of charged_nanos on usage_records
    for each row execute function add_to_key();

update api_keys set charged_nanos = coalesce((
    select sum(usage_records.charged_nanos)
    from generations join usage_records on usage_records.generation_id = generations.id
    where generations.thread_id = api_keys.id), 0);
