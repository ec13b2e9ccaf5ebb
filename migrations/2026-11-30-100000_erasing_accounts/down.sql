alter table accounts
    drop column erase_at,
    drop column erased_at,
    drop column deleted_customer_id;
