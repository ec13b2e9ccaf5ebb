alter table threads drop column shown_message_id;
