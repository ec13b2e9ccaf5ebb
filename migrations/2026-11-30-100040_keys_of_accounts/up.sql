create index concurrently api_keys_of_accounts on api_keys (account_id, id);
