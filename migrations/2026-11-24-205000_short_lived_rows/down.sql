alter table hold_allocations reset (vacuum_truncate, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
