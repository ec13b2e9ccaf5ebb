-- What people thought of replies, by the day on which they said so.
create table rating_days (
    day date not null,
    model text not null,
    -- The route that answered; empty when none did.
    route_key text not null,
    good bigint not null,
    bad bigint not null,
    primary key (day, model, route_key)
);

-- The plan at the end of the day, or when it was first added up: what somebody pays later changes no day that is over.
alter table account_days add column plan text;
