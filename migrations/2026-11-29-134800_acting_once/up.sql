-- The form an operator sent, where sending it twice must not do it twice.
alter table audit_events add column form_id uuid;
