-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

alter table accounts
    -- From when on all that is personal is to be erased, because the person wants it. Null: nobody does.
    add column erase_at timestamptz,
    -- When that was done. What is left is money, and names nobody.
    add column erased_at timestamptz,
    -- The last of the account's customers that were deleted at Stripe: what is told of it after an erasure is not kept.
    add column deleted_customer_id text;
