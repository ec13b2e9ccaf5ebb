drop index concurrently api_keys_of_accounts;
