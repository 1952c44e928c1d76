//! Which agency serves a call: `serviceId` and `routeId` to a service, and whether the caller may.

use super::identify::Caller;
use super::path::Target;
use super::trace::Trace;
use crate::config::operation::Operation;
use crate::config::settings::{Agency, Service, Settings};
use hyper::Method;
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
    let Some(routes) = settings.services.get(&*request.service_id) else {
        return Err(refused(Code::CallerUnknownService, "service_id"));
    };
    if routes.iter().any(|service| service.has_operations) {
        return Err(refused(Code::CallerUnknownService, "reached_by_path"));
    }
    if !caller.participant.may_call(&request.service_id) {
        return Err(refused(Code::CallerForbidden, "service_not_granted"));
    }
    let service = on_route(routes, &request.route_id)
        .ok_or_else(|| refused(Code::CallerUnknownService, "route_id"))?;
    Ok(Arc::clone(service))
}

/// The operation that a method and a path ask for; they must be the agency's to the letter.
///
/// # Errors
/// `caller.unknown_service` when there is none, `caller.forbidden` when it was not granted.
pub fn operation<'s>(
    settings: &'s Settings,
    caller: &Caller,
    method: &Method,
    target: &Target,
) -> Result<&'s Operation, Fault> {
    let refused = |code, reason| Fault::new(code, Phase::Route, reason);
    let operation = settings
        .operations
        .get(&target.agency)
        .and_then(|all| {
            all.iter().find(|one| one.method == *method && one.path.matches(&target.path))
        })
        .ok_or_else(|| refused(Code::CallerUnknownService, "operation"))?;
    if !caller.participant.may_operate(&operation.service.manifest.id, &operation.id) {
        return Err(refused(Code::CallerForbidden, "operation_not_granted"));
    }
    Ok(operation)
}

/// The service of that id and route.
#[must_use]
pub fn find<'s>(
    settings: &'s Settings,
    service_id: &str,
    route_id: &str,
) -> Option<&'s Arc<Service>> {
    on_route(settings.services.get(service_id)?, route_id)
}

fn on_route<'s>(routes: &'s [Arc<Service>], route_id: &str) -> Option<&'s Arc<Service>> {
    let exact = routes.iter().find(|service| service.route_id == route_id);
    exact.or_else(|| routes.iter().find(|service| service.route_id.is_empty()))
}

/// Refuses a call to an agency that is closed now, before anything is done for it.
///
/// # Errors
/// `agency.closed` (`hours`), with the moment at which it opens.
pub fn check_open(agency: &Agency, now_us: i64) -> Result<(), Fault> {
    let opens_at = agency.calendar.as_ref().and_then(|calendar| calendar.opens_at(now_us));
    let Some(opens_at) = opens_at else { return Ok(()) };
    let wait_us = opens_at.as_microsecond().saturating_sub(now_us);
    let wait_s = u32::try_from(wait_us / 1_000_000 + 1).unwrap_or(u32::MAX);
    let moment = Trace::date(opens_at.as_microsecond());
    let closed = Fault::new(Code::AgencyClosed, Phase::Route, "hours");
    Err(closed.retry_after_s(wait_s).opens_at(moment))
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
