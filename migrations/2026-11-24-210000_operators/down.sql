drop index accounts_suspended_at, users_last_seen_at, users_email, users_name;
drop trigger usage_records_add_to_months on usage_records;
drop function add_to_month();
drop table account_months;
drop trigger audit_events_are_kept on audit_events;
drop index audit_events_kind, audit_events_operator_id;
alter table audit_events
    drop column address,
    drop column reason,
    drop column after,
    drop column before,
    drop column account_id,
    drop column operator_id;
alter table sessions drop column viewing_until, drop column viewed_user_id;
drop table limit_overrides;
alter table accounts drop column grace_until, drop column suspended_at;
drop trigger sessions_are_seen on sessions;
drop function note_seen();
alter table users drop column last_seen_at, drop column is_operator;
