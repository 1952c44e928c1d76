//! The way of a call through the gateway; `handle` is the page to read first.

pub mod admit;
pub mod answer;
pub mod bank;
mod build;
pub mod business;
pub mod clerk;
pub mod current;
pub mod dedupe;
pub mod exchange;
pub mod face;
pub mod front;
pub mod guard;
pub mod handle;
pub mod house;
pub mod identify;
mod lease;
mod left;
pub mod listener;
pub mod look_up;
pub mod path;
pub mod registers;
pub mod relay;
pub mod release;
pub mod reload;
pub mod reply;
pub mod revocation;
pub mod route;
pub mod start;
pub mod tls;
pub mod trace;
mod verdict;
pub mod verify;

use crate::channel::rest::openapi::Description;
use crate::config::settings::Settings;
use crate::journal::Journal;
use crate::ops::metrics::Metrics;
use crate::payments::desk::Desk;
use crate::sign::Signers;
use crate::sign::rest::replay::Replays;
use crate::sign::trust::Trust;
use crate::upstream::Upstreams;
use std::sync::Arc;

/// Everything a call needs on its way; made at the start and at each change of the configuration
/// ([`current::Current`]), shared by all calls.
pub struct Gateway {
    pub settings: Arc<Settings>,
    /// What `openapi.json` says.
    pub rest: Description,
    pub callers: identify::Callers,
    pub admission: admit::Admission,
    pub trust: Arc<Trust>,
    pub revocation: Arc<revocation::Revocation>,
    pub signers: Signers,
    pub journal: Journal,
    /// Where payments are taken.
    pub desk: Option<Desk>,
    pub upstreams: Upstreams,
    /// Signatures of REST calls seen lately, also before the configuration changed.
    pub replays: Arc<Replays>,
    pub metrics: Arc<Metrics>,
}

impl Gateway {
    /// The payments of this node, where it takes any.
    #[must_use]
    pub fn payments(&self) -> Option<&crate::payments::Payments> {
        self.desk.as_ref().map(|desk| &desk.payments)
    }
}
