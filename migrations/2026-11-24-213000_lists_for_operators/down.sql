drop index stripe_events_customer_id;
drop index jobs_state;
