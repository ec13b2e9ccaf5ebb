create unique index concurrently audit_events_form_id on audit_events (form_id) where form_id is not null;
