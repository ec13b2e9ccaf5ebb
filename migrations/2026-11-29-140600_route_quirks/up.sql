-- What a provider wants differently from others.
alter table model_routes
    add column output_cap_field text not null default 'max_tokens'
        check (output_cap_field in ('max_tokens', 'max_completion_tokens')),
    -- How long a model may think before its first token. Null: as long as any other.
    add column first_token_seconds int check (first_token_seconds > 0);
