alter table models drop column is_off;
drop table switches;
