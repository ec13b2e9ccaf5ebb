-- The highest number that a version of the model's prices ever had: one that was withdrawn is not given to another.
alter table models add column last_price_version int not null default 0;
update models set last_price_version =
    coalesce((select max(version) from model_prices where model_key = models.key), 0);

create function note_price_version() returns trigger language plpgsql as $$
begin
    update models set last_price_version = new.version where key = new.model_key and last_price_version < new.version;
    return null;
end $$;
create trigger model_prices_are_numbered after insert on model_prices
    for each row execute function note_price_version();
