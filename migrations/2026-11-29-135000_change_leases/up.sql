-- Until then at the latest, somebody changes what the account subscribes to, and nobody else does.
alter table accounts add column change_leased_until timestamptz;
