-- What one transaction writes goes out together, in one round trip: which row arrives first must not matter.
alter table messages alter constraint messages_thread_id_fkey deferrable initially deferred;
alter table messages alter constraint messages_generation_id_fkey deferrable initially deferred;
alter table generations alter constraint generations_thread_id_fkey deferrable initially deferred;
alter table holds alter constraint holds_generation_id_fkey deferrable initially deferred;
alter table hold_allocations alter constraint hold_allocations_generation_id_fkey deferrable initially deferred;
alter table hold_allocations alter constraint hold_allocations_grant_id_fkey deferrable initially deferred;
