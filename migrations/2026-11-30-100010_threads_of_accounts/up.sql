create index concurrently threads_of_accounts on threads (account_id, id);
