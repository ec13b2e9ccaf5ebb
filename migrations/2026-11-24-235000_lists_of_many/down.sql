drop index threads_deleted, accounts_plan;
