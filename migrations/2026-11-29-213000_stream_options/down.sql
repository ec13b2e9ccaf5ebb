alter table model_routes drop column usage_in_stream;
