//! The admin panel.

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
