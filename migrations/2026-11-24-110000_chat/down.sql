alter table generations drop column parent_message_id;
drop table messages, generations, threads;
