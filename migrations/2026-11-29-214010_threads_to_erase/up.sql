create index concurrently threads_to_erase on threads (deleted_at) where deleted_at is not null and erased_at is null;
