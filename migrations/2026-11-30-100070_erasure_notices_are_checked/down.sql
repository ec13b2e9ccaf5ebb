-- A constraint that holds for all rows holds for new ones, too.
select 1;
