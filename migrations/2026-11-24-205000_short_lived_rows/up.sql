-- Rows that live for the length of a reply. Without this the table is so small after each vacuum that it is planned to be
-- read whole, which it then is through thousands of dead rows.
alter table hold_allocations set (
    vacuum_truncate = off,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);
