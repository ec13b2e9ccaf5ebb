-- For foreign keys that name the account as well.
create unique index concurrently generations_id_account_id on generations (id, account_id);
