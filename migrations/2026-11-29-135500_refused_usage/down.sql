drop index concurrently meter_events_refused;
