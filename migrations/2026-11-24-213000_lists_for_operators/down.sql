drop index stripe_events_customer_id;
drop index generation_attempts_started_at;
drop index jobs_state;
