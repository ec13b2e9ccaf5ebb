drop trigger model_prices_are_numbered on model_prices;
drop function note_price_version;
alter table models drop column last_price_version;
