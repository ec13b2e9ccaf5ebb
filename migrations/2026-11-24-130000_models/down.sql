drop table generation_attempts;
alter table usage_records
    drop column price_version, drop column route_key, drop column cached_input_tokens,
    drop column reasoning_tokens, drop column cost_nanos;
alter table messages drop column reasoning;
alter table generations drop column price_version;
drop table plan_models, model_routes, model_prices, models;
