//! The configuration as written: one struct a table, a doc on every key, every default.
//!
//! Unknown keys are refused everywhere. No key is required here: what must not be missing is
//! demanded by `check`, so that all mistakes are told at once. An empty text means "not set".
//! Limits of numbers stand in [`super::ranges`].

mod gateway;
mod limits;
mod participant;
mod payments;
mod reconcile;
mod services;
mod trust;

pub use gateway::{
    AnswerSignature, BodyPolicy, Embedded, Gateway, Journal, Listener, LogLevel, Node, Ops,
    PaymentsStore, Postgres, Reload, Signing, SigningKey, Store, Tls,
};
pub use limits::{Http2, Limits, Xml};
pub use participant::{Accept, Certificate, Participant};
pub use payments::{
    Bank, Code, Notice, Payments, Placement, Rate, Receipt, Tariff, TariffKind, Weekday,
};
pub use reconcile::Reconcile;
pub use services::{
    Agency, Breaker, Calendar, Line, Maintenance, Operation, Paid, Service, Services,
};
pub use trust::{OcspDigest, Revocation, Trust};

use serde::Deserialize;

/// How urgent a call is where there is not room for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Money: refused last.
    Payment,
    /// Somebody waits for the answer.
    #[default]
    Citizen,
    /// Nobody waits: refused first.
    Batch,
}

/// Rate and concurrency; a call beyond them is refused with `caller.too_fast`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Calls a second in the long run.
    pub per_second: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Calls under way at the same time.
    pub in_flight_max: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { per_second: 100, burst: 200, in_flight_max: 64 }
    }
}

/// A name in the three languages of the country's gateway; all or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Name {
    pub kk: String,
    pub ru: String,
    pub en: String,
}
