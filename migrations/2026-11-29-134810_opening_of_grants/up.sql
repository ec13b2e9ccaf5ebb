-- What a grant had when the period began in which it last changed, less what was taken back since. None: it was given in
-- that period, or by a version that does not write this.
alter table grants
    add column opening_nanos bigint check (opening_nanos between 0 and amount_nanos),
    add column opened_at timestamptz;
