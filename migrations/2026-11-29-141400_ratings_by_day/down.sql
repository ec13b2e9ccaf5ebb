drop index concurrently ratings_rated_at;
