create index concurrently accounts_to_erase on accounts (id) where erase_at is not null;
