-- The lists that operators page through.
create index jobs_state on jobs (state, id);
-- Rows come in the order of time, so a few bytes for many of them are enough.
create index generation_attempts_started_at on generation_attempts using brin (started_at);
create index stripe_events_customer_id on stripe_events (customer_id, received_at);
