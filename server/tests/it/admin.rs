//! The admin panel. Numbers in brackets: `faults.md` of the project's brief.

mod access;
mod audit;
mod catalog;
mod deeds;
mod explain;
mod figures;
mod interventions;
mod jobs;
mod people;
mod person;
pub mod seeded;
mod stripe;
mod system;
mod visits;
