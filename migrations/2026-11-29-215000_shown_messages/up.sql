-- Whoever waits for a lock stands in the way of everybody behind: rather give up, and be run again.
set local lock_timeout = '3s';

-- What the path that is shown goes through: what was chosen or answered last; from there on it goes to the newest message
-- below. None: to the newest of all. No foreign key: it would cost every claim a look at the message, and where that is gone
-- none is as good.
alter table threads add column shown_message_id uuid;
