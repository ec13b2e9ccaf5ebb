drop trigger usage_records_add_to_keys on usage_records;
drop function add_to_key();
alter table api_keys drop column charged_nanos;
