alter table grants drop column taken_back_nanos;
