//! Everybody may call everything: caps and quotas cost memory for the calls that came, not for those that might.

use super::house::{SERVICE, agency, participant, quota, settings};
use governor::clock::FakeRelativeClock;
use qaqpa::config::settings::{Class, Quota, Settings};
use qaqpa::proxy::admit::{Admission, Permit};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const PARTICIPANTS: usize = 2_000;
const SERVICES: usize = 10_000;
const FREE: Quota = Quota { per_second: 1_000_000, burst: 1_000_000, in_flight_max: 1_000_000 };

/// A national installation in which everything is granted to everybody.
fn national(of_each: Quota) -> Settings {
    let one = || settings(agency("http://127.0.0.1:1"), participant(of_each));
    let mut all = one();
    all.services.clear();
    all.participants.clear();
    for number in 0..SERVICES {
        let service = one().services.remove(SERVICE).unwrap().remove(0);
        let mut service = Arc::into_inner(service).unwrap();
        service.manifest.id = format!("Service{number}");
        service.agency = Arc::clone(all.agencies.values().next().unwrap());
        all.services.insert(service.manifest.id.clone(), vec![Arc::new(service)]);
    }
    for number in 0..PARTICIPANTS {
        let mut caller = participant(of_each);
        caller.id = format!("participant-{number}");
        // They stand under their senderId.
        all.participants.insert(format!("sender-{number}"), Arc::new(caller));
    }
    all
}

fn call(
    admission: &Admission<FakeRelativeClock>,
    settings: &Settings,
    (participant, service): (usize, usize),
) -> Result<Permit, &'static str> {
    let participant = &settings.participants[&format!("sender-{participant}")];
    let service = &settings.services[&format!("Service{service}")][0];
    let seat = admission.seat(Class::Payment).map_err(|fault| fault.reason)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    match pin!(admission.enter(seat, (participant, service), deadline))
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(entered) => entered.map_err(|fault| fault.reason),
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn twenty_million_grants_cost_a_gate_for_each_that_is_used_and_a_change_keeps_those() {
    let settings = national(quota(1, 2, 1));
    let clock = FakeRelativeClock::default();
    let admission = Admission::with_clock(&settings, &clock);
    assert_eq!(admission.gates(), 0, "nobody called");
    let held = call(&admission, &settings, (7, 9_999)).unwrap();
    for participant in 0..10 {
        drop(call(&admission, &settings, (participant, 1)).unwrap());
        drop(call(&admission, &settings, (participant, 1)).unwrap());
    }
    assert_eq!(admission.gates(), 11);
    let changed = Admission::renewed(&settings, &clock, Some(&admission));
    assert_eq!(changed.gates(), 11);
    let refused = call(&changed, &settings, (3, 1)).unwrap_err();
    assert_eq!(refused, "quota_participant", "what was spent is spent");
    assert_eq!(call(&changed, &settings, (7, 9_999)).unwrap_err(), "in_flight_participant");
    // A call that still goes by the old settings is counted with those that go by the new ones.
    drop(held);
    let held = call(&admission, &settings, (7, 9_999)).unwrap();
    assert_eq!(call(&changed, &settings, (7, 9_999)).unwrap_err(), "in_flight_participant");
    drop(held);
}

#[test]
fn gates_that_nobody_needs_are_dropped_before_there_are_too_many() {
    let settings = national(FREE);
    let clock = FakeRelativeClock::default();
    let admission = Admission::with_clock(&settings, &clock);
    let held = call(&admission, &settings, (0, 0)).unwrap();
    let mut most = 0;
    for service in 1..70 {
        for participant in 0..PARTICIPANTS {
            drop(call(&admission, &settings, (participant, service)).unwrap());
        }
        // What was spent of these is there again.
        clock.advance(Duration::from_secs(1));
        most = most.max(admission.gates());
    }
    assert!(most > 50_000, "{most}: nothing is dropped while there are few");
    assert!(most <= 100_000, "{most}");
    assert!(admission.gates() < 69 * PARTICIPANTS);
    drop(held);
}
