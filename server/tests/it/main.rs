//! The server as its clients meet it: real HTTP, PostgreSQL and Redis, and the sandbox for the outside world.
//! Run with `bin/test integration`.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "no shutdown waits for the tasks of a test")]

mod admin;
mod admission;
mod alerts;
mod api_keys;
mod billing;
mod breakers;
mod broken_off;
mod caps;
mod catalog;
mod chat;
mod context;
mod endings;
mod erasing;
mod exports;
mod faults;
mod jobs;
mod killed;
mod ledger;
mod limits;
mod metrics;
mod money_audit;
mod money_machine;
mod notices;
mod outages;
mod program_errors;
mod programs;
mod providers;
mod quota;
mod ratings;
mod reconnects;
mod reports;
mod restoring;
mod retries;
mod sampling;
mod shutdown;
mod sign_in;
mod simulation;
mod stream_log;
mod streams;
mod support;
mod sweep;
mod threads;
mod tools;
mod traces;
mod usage;
mod web;
mod windows;
