//! What every adapter is built from: strict XML, SOAP envelopes, identifiers, faults.
//!
//! Nothing here does I/O, but for [`samples`], which reads folders for tests; `cargo tree -p
//! qaqpa-kit` shows no runtime, no socket, no database.

pub mod adapter;
pub mod bank;
pub mod card;
pub mod envelope;
pub mod fault;
pub mod hex;
pub mod ids;
pub mod iso20022;
pub mod manifest;
pub mod money;
pub mod payload;
pub mod query;
pub mod redact;
pub mod refusal;
pub mod register;
pub mod same;
pub mod samples;
pub mod soap;
pub mod wire;
pub mod xml;
