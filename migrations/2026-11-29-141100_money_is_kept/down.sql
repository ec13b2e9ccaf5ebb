alter table usage_records
    drop constraint usage_records_generation_id_fkey,
    add constraint usage_records_generation_id_fkey foreign key (generation_id) references generations (id);
alter table holds
    drop constraint holds_generation_id_fkey,
    add constraint holds_generation_id_fkey foreign key (generation_id) references generations (id)
        deferrable initially deferred;
drop trigger amounts_of_holds_are_immutable on holds;
drop trigger grants_are_kept on grants;
drop trigger grants_are_immutable on grants;
