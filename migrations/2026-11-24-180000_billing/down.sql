drop table reconciliations;
drop table stripe_events;
drop table purchases;
drop table invoices;
drop table subscriptions;
alter table accounts
    drop column billing_written,
    drop column billing_fence,
    drop column checkout_session_id,
    drop column stripe_customer_id,
    drop constraint accounts_plan_check,
    add constraint accounts_plan_check check (plan in ('free'));
