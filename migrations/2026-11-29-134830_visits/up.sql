-- The few sessions in which an operator looks at the product as somebody else: their visits have to be ended.
create index sessions_visits on sessions (viewing_until) where viewed_user_id is not null;
