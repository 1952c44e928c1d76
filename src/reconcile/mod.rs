//! Reconciliation: what the gateway and a bank say of one operating day, held against each other row by row.
//!
//! Files come in once, front to back (`ingest`), their rows become records of 32 bytes laid down by
//! partition; `matching` joins a partition at a time in bounded memory; `breaks` names what is left;
//! `report` writes it. A run is a function of its files, the calendar and the rules: the same input
//! gives the same bytes, and its rows and money add up or there is no statement.

pub mod act;
pub mod breaks;
pub mod counts;
pub mod desk;
pub mod ingest;
pub mod matching;
pub mod open;
pub mod report;
pub mod run;
pub mod services;
pub mod treasury;
