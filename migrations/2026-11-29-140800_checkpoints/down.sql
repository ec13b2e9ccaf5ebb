alter table generations
    drop column checkpoint_reasoning,
    drop column checkpoint_input_tokens,
    drop column checkpoint_cached_input_tokens,
    drop column checkpoint_output_tokens,
    drop column checkpoint_reasoning_tokens,
    drop column checkpoint_route_key,
    drop column checkpoint_attempt_at;
