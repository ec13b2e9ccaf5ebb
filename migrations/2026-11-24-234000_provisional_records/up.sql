-- The few records that may still be corrected, by day, without a look at all the others.
create index concurrently usage_records_provisional on usage_records (created_at) where is_provisional;
