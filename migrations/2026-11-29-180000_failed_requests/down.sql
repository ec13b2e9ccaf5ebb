drop table failed_requests;
