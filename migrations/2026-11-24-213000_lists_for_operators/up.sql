-- The lists that operators page through.
create index jobs_state on jobs (state, id);
create index stripe_events_customer_id on stripe_events (customer_id, received_at);
