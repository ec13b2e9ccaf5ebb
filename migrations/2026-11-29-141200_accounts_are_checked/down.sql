-- What is checked stays checked.
select 1;
