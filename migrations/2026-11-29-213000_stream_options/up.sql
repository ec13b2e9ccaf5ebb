-- False: the provider refuses to be asked for its count of a stream.
alter table model_routes add column usage_in_stream boolean not null default true;
