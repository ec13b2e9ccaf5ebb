-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

-- What a grant had when the period began in which it last changed, less what was taken back since. None: it was given in
-- that period, or by a version that does not write this.
alter table grants
    add column opening_nanos bigint check (opening_nanos between 0 and amount_nanos),
    add column opened_at timestamptz;
