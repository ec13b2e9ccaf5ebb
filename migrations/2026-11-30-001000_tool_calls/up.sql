set local lock_timeout = '3s';
-- The tools that a model wants called, as JSON: [{"id", "name", "arguments"}].
alter table messages add column tool_calls jsonb not null default '[]';
alter table generations add column checkpoint_tool_calls jsonb not null default '[]';
