-- The ratings of a day, without a look at all the others.
create index concurrently ratings_rated_at on ratings (rated_at);
