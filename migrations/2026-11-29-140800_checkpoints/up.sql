-- What else is known of a reply that is being written, for whoever ends it should its process die.
alter table generations
    add column checkpoint_reasoning text not null default '',
    -- As the provider has counted. None: it has not yet.
    add column checkpoint_input_tokens int,
    add column checkpoint_cached_input_tokens int,
    add column checkpoint_output_tokens int,
    add column checkpoint_reasoning_tokens int,
    -- The attempt under way. None: no provider has been asked yet.
    add column checkpoint_route_key text,
    add column checkpoint_attempt_at timestamptz;
