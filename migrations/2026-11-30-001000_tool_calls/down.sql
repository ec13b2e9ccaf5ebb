alter table generations drop column checkpoint_tool_calls;
alter table messages drop column tool_calls;
