-- Also of the rows that were there before: reads them all, and keeps nobody from writing.
alter table holds validate constraint holds_generation_id_fkey;
alter table usage_records validate constraint usage_records_generation_id_fkey;
