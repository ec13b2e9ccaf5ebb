alter table threads drop column erased_at;
