create index concurrently notices_of_accounts on notices (account_id, id);
