create index concurrently audit_events_account_id on audit_events (account_id) where account_id is not null;
