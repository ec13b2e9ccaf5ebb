create index concurrently meter_events_refused on meter_events (refused_at) where refused_at is not null;
