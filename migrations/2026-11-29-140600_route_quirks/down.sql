alter table model_routes drop column output_cap_field, drop column first_token_seconds;
