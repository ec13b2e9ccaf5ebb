drop trigger audit_events_are_immutable on audit_events;
drop table usage_records, ledger_entries, holds, grants;
drop function refuse_change;
