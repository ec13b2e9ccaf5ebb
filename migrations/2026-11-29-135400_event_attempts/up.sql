-- How often it was tried to deal with an event.
alter table stripe_events add column attempts int not null default 0;
