alter table model_routes drop column takes_sampling;
