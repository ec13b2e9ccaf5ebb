-- So that lists of operators cost what is on them, however many people there are. Neither index is written while a reply is
-- admitted or settled: what they are about does not change then.
create index accounts_plan on accounts (plan);
create index threads_deleted on threads (account_id, updated_at desc) where deleted_at is not null;
