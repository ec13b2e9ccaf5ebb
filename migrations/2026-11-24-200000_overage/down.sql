delete from reconciliations where kind <> 'billing';
alter table reconciliations drop column kind, drop column findings;
drop table provider_usage;
drop table meter_events;
alter table subscriptions drop column metered_item_id;
alter table holds drop column overage_nanos;
drop table overages;
