drop table money_back;
