-- Grows with every change of what an account may spend, so that what was read before a change is never written after it.
alter table accounts add column books_version bigint not null default 0;
