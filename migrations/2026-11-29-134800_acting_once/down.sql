alter table audit_events drop column form_id;
