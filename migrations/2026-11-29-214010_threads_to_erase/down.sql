drop index threads_to_erase;
