//! Whose failure it is and when what happened, told with every failure: as a header, in SOAP and in JSON.
//!
//! The journal holds the same: the fault with its phase, and the end of each phase.

use super::trace::Trace;
use qaqpa_kit::fault::{Code, Fault, Phase, Times};

/// The four times of a failed call; those that were not reached are absent. The request went out when
/// sending began, unless it is certain that not a byte left.
pub(super) fn times(fault: &Fault, trace: &Trace) -> Times {
    let is_unsent = matches!(
        fault.code,
        Code::AgencyUnreachable | Code::AgencyBreakerOpen | Code::AgencyClosed
    );
    Times {
        request_in: Trace::date(trace.received_at_us),
        request_out: trace.ended_at_us(Phase::Encode).filter(|_| !is_unsent).map(Trace::date),
        answer_in: trace.ended_at_us(Phase::Send).filter(|_| !is_unsent).map(Trace::date),
        answer_out: Trace::date(trace.now_us()),
    }
}

/// The header's value, a dictionary of RFC 8941.
pub(super) fn header(fault: &Fault) -> String {
    let mut value = format!("origin={}, phase={}", fault.origin().word(), fault.phase.word());
    if let Some(times) = &fault.times {
        for (key, moment) in times.each() {
            value.push_str(&format!(", {key}=\"{moment}\""));
        }
    }
    value
}
