drop table money_audits;
