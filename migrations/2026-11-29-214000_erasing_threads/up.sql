-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

-- When a thread that was deleted long ago lost its words. Its rows stay: receipts need them.
alter table threads add column erased_at timestamptz;
