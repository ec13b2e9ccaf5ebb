drop index threads_of_accounts;
