set local lock_timeout = '3s';
-- A program's thread came with its key and has the key's id. It is hidden from the start, like those that are deleted, and
-- holds the answers to the program below one empty message.
alter table threads add column is_program boolean not null default false;
