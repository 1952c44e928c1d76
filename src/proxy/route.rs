//! Which agency serves a call: `serviceId` and `routeId` to a service, and whether the caller may.

use super::identify::Caller;
use crate::config::settings::{Service, Settings};
use qaqpa_kit::envelope::Request;
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::sync::Arc;

/// The service that this call asks for.
///
/// A service's route is matched exactly; the route without `routeId` serves every other one.
///
/// # Errors
/// `caller.unknown_service` when there is none, `caller.forbidden` when it was not granted.
pub fn service(
    settings: &Settings,
    caller: &Caller,
    request: &Request<'_>,
) -> Result<Arc<Service>, Fault> {
    let refused = |code, reason| Fault::new(code, Phase::Route, reason);
    if !settings.services.contains_key(&*request.service_id) {
        return Err(refused(Code::CallerUnknownService, "service_id"));
    }
    let granted = &caller.participant.services;
    if !granted.iter().any(|name| name == "*" || *name == request.service_id) {
        return Err(refused(Code::CallerForbidden, "service_not_granted"));
    }
    let service = find(settings, &request.service_id, &request.route_id)
        .ok_or_else(|| refused(Code::CallerUnknownService, "route_id"))?;
    Ok(Arc::clone(service))
}

/// The service of that id and route.
#[must_use]
pub fn find<'s>(
    settings: &'s Settings,
    service_id: &str,
    route_id: &str,
) -> Option<&'s Arc<Service>> {
    let routes = settings.services.get(service_id)?;
    let exact = routes.iter().find(|service| service.route_id == route_id);
    exact.or_else(|| routes.iter().find(|service| service.route_id.is_empty()))
}

/// Refuses a request larger than its service takes.
///
/// # Errors
/// `caller.too_large`.
pub fn check_size(service: &Service, request_bytes: usize) -> Result<(), Fault> {
    if request_bytes > service.body_bytes_max {
        return Err(Fault::new(Code::CallerTooLarge, Phase::Route, "body_bytes"));
    }
    Ok(())
}
