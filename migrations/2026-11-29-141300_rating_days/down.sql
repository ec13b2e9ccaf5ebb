alter table account_days drop column plan;
drop table rating_days;
