drop trigger audit_events_are_immutable on audit_events;
create trigger audit_events_are_immutable before update or delete on audit_events
    for each row execute function refuse_change();
drop function refuse_audit_change();
delete from notices where kind = 'account_erasure';
alter table notices
    drop constraint notices_kind_check,
    add constraint notices_kind_check check (kind in ('receipt', 'payment_failed', 'card_expiring', 'plan_changed', 'budget_alert'));
alter table accounts
    drop column erase_at,
    drop column erased_at,
    drop column deleted_customer_id;
