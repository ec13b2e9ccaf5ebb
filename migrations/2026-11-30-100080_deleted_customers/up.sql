create index concurrently accounts_deleted_customer_id on accounts (deleted_customer_id)
    where deleted_customer_id is not null;
