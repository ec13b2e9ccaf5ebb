-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

-- What was given stays as it was given: only what is left of it changes, and when it ends.
create trigger grants_are_immutable before update of id, account_id, cause, amount_nanos on grants
    for each row execute function refuse_change();
create trigger grants_are_kept before delete on grants
    for each row execute function refuse_change();
create trigger amounts_of_holds_are_immutable before update of generation_id, account_id, amount_nanos, overage_nanos on holds
    for each row execute function refuse_change();

-- What is set aside for a reply, and what it cost, is of the account that asked for it. In the place of foreign keys that
-- did not look at the account, so nothing is looked up more often.
alter table holds
    drop constraint holds_generation_id_fkey,
    add constraint holds_generation_id_fkey foreign key (generation_id, account_id)
        references generations (id, account_id) deferrable initially deferred not valid;
alter table usage_records
    drop constraint usage_records_generation_id_fkey,
    add constraint usage_records_generation_id_fkey foreign key (generation_id, account_id)
        references generations (id, account_id) not valid;
