alter table jobs drop column traceparent;
alter table generations drop column traceparent;
