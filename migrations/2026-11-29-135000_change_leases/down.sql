alter table accounts drop column change_leased_until;
