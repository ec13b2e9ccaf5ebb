alter table grants drop column opening_nanos, drop column opened_at;
