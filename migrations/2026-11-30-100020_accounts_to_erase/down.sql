drop index accounts_to_erase;
