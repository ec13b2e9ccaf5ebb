-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

-- That an account will be erased is told, too.
alter table notices
    drop constraint notices_kind_check,
    add constraint notices_kind_check check (kind in
        ('receipt', 'payment_failed', 'card_expiring', 'plan_changed', 'budget_alert', 'account_erasure')) not valid;
