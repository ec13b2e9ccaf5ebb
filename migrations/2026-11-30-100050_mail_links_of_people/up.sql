create index concurrently mail_links_of_people on mail_links (user_id);
