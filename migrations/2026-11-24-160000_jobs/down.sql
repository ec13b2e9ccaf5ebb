drop table schedule_slots, jobs;
