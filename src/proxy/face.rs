//! What a caller's face changes on the way: the form that a call is put into, and what it must bear.

use super::listener::Received;
use super::trace::Trace;
use super::{Gateway, route};
use crate::channel::Face;
use crate::channel::rest::{self, Stamp};
use crate::config::settings::Service;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::borrow::Cow;

/// So many times `limits.body_bytes_max` a form may be large: escapes make many bytes of one, and it
/// stays in memory as long as its call.
const GROWTH_MAX: usize = 2;

/// The SyncChannel form of a call: SOAP as it came, JSON as the service's adapter puts it.
///
/// # Errors
/// `caller.malformed` for a REST call that cannot be put into it, `caller.too_large` for one that grows
/// too much.
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
    let form = call.form(json, &received.body, &stamp)?;
    if form.len() / GROWTH_MAX > gate.settings.limits.body_bytes_max {
        return Err(Fault::new(Code::CallerTooLarge, Phase::Receive, "body_bytes"));
    }
    Ok(Cow::Owned(form.into_bytes()))
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
