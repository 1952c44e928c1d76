//! What every adapter is built from: strict XML, SOAP envelopes, identifiers, faults.
//!
//! Nothing here does I/O; `cargo tree -p qaqpa-kit` shows no runtime, no socket, no database.

pub mod adapter;
pub mod envelope;
pub mod fault;
pub mod manifest;
pub mod soap;
pub mod xml;
