//! What a running node cannot change: sockets, stores and the caps built into both.

use super::settings::{Limits, Payments, Settings};

/// The keys that differ and need a restart; empty: `after` can take the place of `before`.
#[must_use]
pub fn differing(before: &Settings, after: &Settings) -> Vec<&'static str> {
    let listeners = |settings: &Settings| {
        let fixed = settings.listeners.iter();
        fixed.map(|one| (one.address, one.tls, one.http2, one.reuse_port)).collect::<Vec<_>>()
    };
    let parts = [
        ("node.id", before.node.id == after.node.id),
        ("listener", listeners(before) == listeners(after)),
        ("ops", before.ops == after.ops),
        ("limits", before.limits == fixed_limits(&before.limits, &after.limits)),
        ("reconcile", before.reconcile == after.reconcile),
        ("journal", before.journal == after.journal),
        ("payments", are_same_payments(&before.payments, &after.payments)),
    ];
    parts.into_iter().filter(|(_, is_same)| !is_same).map(|(key, _)| key).collect()
}

/// `after`, with what may change put back: what calls read anew each time.
fn fixed_limits(before: &Limits, after: &Limits) -> Limits {
    Limits {
        in_flight_max: before.in_flight_max,
        lag_max: before.lag_max,
        call_deadline: before.call_deadline,
        drain_notice: before.drain_notice,
        xml: before.xml,
        ..after.clone()
    }
}

/// The store, and the rules that its writer was started with; tables and tariffs may change.
fn are_same_payments(before: &Payments, after: &Payments) -> bool {
    before.store == after.store
        && before.group_max == after.group_max
        && before.inquiry_pause_max == after.inquiry_pause_max
        && before.not_found_min == after.not_found_min
        && before.quiet == after.quiet
        && before.notice_pauses == after.notice_pauses
        && before.recipients == after.recipients
        && before.banks == after.banks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::tests::smallest;
    use std::time::Duration;

    #[test]
    fn a_limit_that_a_door_keeps_a_copy_of_needs_a_restart_and_one_read_anew_does_not() {
        let later = Duration::from_secs(1);
        let of = |change: fn(&mut Limits, Duration)| {
            let (before, mut after) = (smallest(), smallest());
            change(&mut after.limits, later);
            differing(&before, &after)
        };
        assert_eq!(of(|limits, later| limits.drain_deadline += later), ["limits"]);
        assert_eq!(of(|limits, later| limits.stream_deadline += later), ["limits"]);
        assert!(of(|limits, later| limits.call_deadline += later).is_empty());
        assert!(of(|limits, later| limits.drain_notice += later).is_empty());
    }
}
