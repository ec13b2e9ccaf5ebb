drop index users_created_at;
drop table paying_spans, top_spenders, cost_explosions, attempt_days, account_days, usage_days, day_totals;
