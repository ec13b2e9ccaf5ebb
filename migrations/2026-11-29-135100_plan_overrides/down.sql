drop table plan_overrides;
