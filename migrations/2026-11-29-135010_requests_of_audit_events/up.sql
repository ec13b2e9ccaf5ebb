-- What a request did is found by the id that a page of an error shows.
create index concurrently audit_events_request_id on audit_events (request_id);
