drop table mail_links;
drop table mail_opt_outs;
drop table notices;
