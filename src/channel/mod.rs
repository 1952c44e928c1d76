//! The faces to callers: each reads a call from its wire and writes a reply or a fault to it.

pub mod rest;
pub mod sync;

use crate::config::settings::Service;
use crate::proxy::Gateway;
use crate::proxy::listener::Received;
use crate::proxy::trace::Trace;
use qaqpa_kit::fault::{Fault, Language};
use std::borrow::Cow;

/// What a caller speaks. It decides how a call is read and how answers and faults are written;
/// everything between is the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// SyncChannel v10.
    Sync,
    /// JSON over HTTP, with texts in the language that the caller prefers.
    Rest(Language),
}

impl Face {
    /// `Content-Type` of an answer, or of a fault, on this face.
    #[must_use]
    pub const fn media_type(self, is_fault: bool) -> &'static str {
        match (self, is_fault) {
            (Self::Sync, _) => "text/xml; charset=utf-8",
            (Self::Rest(_), false) => rest::JSON,
            (Self::Rest(_), true) => rest::problem::PROBLEM_JSON,
        }
    }
}

/// The SyncChannel form of a call: SOAP as it came, JSON as the service's adapter puts it.
///
/// # Errors
/// `caller.malformed` for a REST call that cannot be put into it.
pub fn form<'r>(
    gate: &Gateway,
    received: &'r Received,
    trace: &Trace,
) -> Result<Cow<'r, [u8]>, Fault> {
    match trace.face {
        Face::Sync => Ok(Cow::Borrowed(&received.body)),
        Face::Rest(_) => {
            rest::form(&gate.settings, received, trace).map(|form| Cow::Owned(form.into_bytes()))
        }
    }
}

/// Whether a service can be called on this face, in this way.
///
/// # Errors
/// On REST: `caller.unknown_service` where it has no JSON form, `caller.malformed` where the call of a
/// service that must not be sent twice has no name.
pub fn check(face: Face, service: &Service, received: &Received) -> Result<(), Fault> {
    match face {
        Face::Sync => Ok(()),
        Face::Rest(_) => rest::check(service, &received.headers),
    }
}
