drop index sessions_visits;
