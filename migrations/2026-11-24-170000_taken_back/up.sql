-- How much of a grant was asked back in all, spent or not: what is corrected later does not come back to it.
alter table grants
    add column taken_back_nanos bigint not null default 0 check (taken_back_nanos between 0 and amount_nanos);
update grants set taken_back_nanos = reclaim_nanos where reclaim_nanos > 0;
