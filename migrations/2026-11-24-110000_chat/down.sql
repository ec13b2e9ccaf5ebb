alter table generations drop column user_message_id;
drop table messages, generations, threads;
