alter table accounts drop column books_version;
