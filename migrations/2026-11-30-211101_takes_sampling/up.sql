-- False: the model refuses to be told how to choose its words.
alter table model_routes add column takes_sampling boolean not null default true;
