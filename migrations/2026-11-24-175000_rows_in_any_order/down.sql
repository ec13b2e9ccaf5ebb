alter table messages alter constraint messages_thread_id_fkey not deferrable;
alter table messages alter constraint messages_generation_id_fkey not deferrable;
alter table generations alter constraint generations_thread_id_fkey not deferrable;
alter table holds alter constraint holds_generation_id_fkey not deferrable;
alter table hold_allocations alter constraint hold_allocations_generation_id_fkey not deferrable;
alter table hold_allocations alter constraint hold_allocations_grant_id_fkey not deferrable;
