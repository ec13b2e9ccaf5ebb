-- Requests that were answered with a fault of ours, so that operators find them by the number that people tell them.
create table failed_requests (
    id uuid primary key,
    failed_at timestamptz not null default clock_timestamp(),
    method text not null,
    -- The pattern that matched; no path, and no query.
    route text not null,
    status int not null check (status between 500 and 599)
);
