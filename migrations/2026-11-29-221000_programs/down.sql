alter table threads drop column is_program;
