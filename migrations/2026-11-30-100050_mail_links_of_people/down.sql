drop index concurrently mail_links_of_people;
