//! What a caller's face changes on the way: the form that a call is put into, and what it must bear.

use super::listener::Received;
use super::trace::Trace;
use super::{Gateway, route};
use crate::channel::Face;
use crate::channel::rest::{self, Stamp};
use crate::config::settings::Service;
use qaqpa_kit::fault::Fault;
use std::borrow::Cow;

/// The SyncChannel form of a call: SOAP as it came, JSON as the service's adapter puts it.
///
/// # Errors
/// `caller.malformed` for a REST call that cannot be put into it.
pub fn form<'r>(
    gate: &Gateway,
    received: &'r Received,
    trace: &Trace,
) -> Result<Cow<'r, [u8]>, Fault> {
    if trace.face == Face::Sync {
        return Ok(Cow::Borrowed(&received.body));
    }
    let call = rest::Call::read(received.uri.path(), &received.headers)?;
    // A service that is unknown, or has no JSON form, is refused by `route`, once the caller is known.
    let json = route::find(&gate.settings, call.service_id, call.route_id)
        .and_then(|service| service.agency.adapter.json());
    let stamp =
        Stamp { session_id: &trace.session_id(), received_at: &Trace::date(trace.received_at_us) };
    call.form(json, &received.body, &stamp).map(|form| Cow::Owned(form.into_bytes()))
}

/// Whether a service can be called on this face, in this way.
///
/// # Errors
/// On REST: as [`rest::check`].
pub fn check(face: Face, service: &Service, received: &Received) -> Result<(), Fault> {
    match face {
        Face::Sync => Ok(()),
        Face::Rest(_) => rest::check(service, &received.headers),
    }
}
