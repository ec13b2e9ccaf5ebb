alter table stripe_events drop column attempts;
