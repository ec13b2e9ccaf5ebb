drop index concurrently notices_of_accounts;
