-- Where the trace of what caused a row goes on, as in the header `traceparent`. None: it is not traced.
alter table generations add column traceparent text;
alter table jobs add column traceparent text;
