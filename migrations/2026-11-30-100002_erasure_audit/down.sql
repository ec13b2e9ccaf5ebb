drop trigger audit_events_are_immutable on audit_events;
create trigger audit_events_are_immutable before update or delete on audit_events
    for each row execute function refuse_change();
drop function refuse_audit_change;
