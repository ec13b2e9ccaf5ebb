delete from notices where kind = 'account_erasure';
alter table notices
    drop constraint notices_kind_check,
    add constraint notices_kind_check check (kind in
        ('receipt', 'payment_failed', 'card_expiring', 'plan_changed', 'budget_alert'));
