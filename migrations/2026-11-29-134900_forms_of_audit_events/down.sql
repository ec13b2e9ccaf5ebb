drop index concurrently audit_events_form_id;
