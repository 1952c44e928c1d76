//! Admission: caps and quotas hold, and a refused call costs nobody anything.

use super::house::{self, agency, participant, quota, settings};
use governor::clock::FakeRelativeClock;
use proptest::prelude::*;
use qaqpa::config::settings::{Agency, Class, Limits, Line, Participant, Quota, Settings};
use qaqpa::proxy::admit::{Admission, Permit};
use qaqpa_kit::fault::{Code, Fault};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A node, its clock, and the one call that is made.
struct Desk {
    admission: Admission<FakeRelativeClock>,
    clock: FakeRelativeClock,
    settings: Settings,
}

const FREE: Quota = Quota { per_second: 1_000_000, burst: 1_000_000, in_flight_max: 1_000_000 };

impl Desk {
    fn new(caller: Quota, asked: Quota, in_flight_max: usize) -> Self {
        let agency = Agency { quota: asked, ..agency("http://127.0.0.1:1") };
        let mut settings = settings(agency, participant(caller));
        settings.limits = Limits { in_flight_max, ..settings.limits };
        let clock = FakeRelativeClock::default();
        Self { admission: Admission::with_clock(&settings, &clock), clock, settings }
    }

    fn call(&self) -> Result<Permit, Fault> {
        let participant = &self.settings.participants[house::PARTICIPANT];
        let service = &self.settings.services[house::SERVICE][0];
        let seat = self.admission.seat(Class::Payment)?;
        let deadline = Instant::now() + Duration::from_secs(60);
        let entering = self.admission.enter(seat, (participant, service), deadline);
        // Without a line nothing is waited for.
        match pin!(entering).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(entered) => entered,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn refusal(&self) -> (Code, &'static str, Option<u32>) {
        let fault = self.call().expect_err("a refusal");
        (fault.code, fault.reason, fault.retry_after_s)
    }

    /// How many calls get in now, one after the other.
    fn admitted(&self) -> usize {
        (0..1000).take_while(|_| self.call().is_ok()).count()
    }
}

#[test]
fn a_participant_beyond_its_quota_is_told_when_to_come_back() {
    let desk = Desk::new(quota(1, 3, 100), FREE, 100);
    assert_eq!(desk.admitted(), 3);
    assert_eq!(desk.refusal(), (Code::CallerTooFast, "quota_participant", Some(1)));
    desk.clock.advance(Duration::from_millis(400));
    assert_eq!(desk.refusal(), (Code::CallerTooFast, "quota_participant", Some(1)), "rounded up");
    desk.clock.advance(Duration::from_millis(600));
    assert_eq!(desk.admitted(), 1, "and it is true");
}

#[test]
fn refused_calls_do_not_prolong_the_wait() {
    let desk = Desk::new(quota(1, 1, 100), FREE, 100);
    assert_eq!(desk.admitted(), 1);
    for _ in 0..500 {
        desk.call().expect_err("too fast");
    }
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(desk.admitted(), 1);
}

#[test]
fn a_full_agency_costs_the_participant_none_of_its_quota() {
    let desk = Desk::new(quota(1, 10, 100), quota(1, 2, 100), 100);
    assert_eq!(desk.admitted(), 2);
    for _ in 0..500 {
        assert_eq!(desk.refusal().1, "quota_agency");
    }
    // The agency recovers two tokens in two seconds, the participant as many: 8 + 2 are left to it.
    let mut later = 0;
    for _ in 0..5 {
        desk.clock.advance(Duration::from_secs(2));
        later += desk.admitted();
    }
    assert_eq!(later, 10, "the agency alone set the pace");
}

#[test]
fn a_participant_beyond_its_quota_eats_up_nothing_of_the_agencys() {
    let desk = Desk::new(quota(1, 1, 100), quota(1, 5, 100), 100);
    assert_eq!(desk.admitted(), 1);
    for _ in 0..500 {
        assert_eq!(desk.refusal().1, "quota_participant");
    }
    for _ in 0..4 {
        desk.clock.advance(Duration::from_secs(1));
        assert_eq!(desk.admitted(), 1);
    }
}

#[test]
fn calls_refused_for_want_of_a_place_cost_no_token() {
    for (caller, asked, node, reason) in [
        (quota(1, 5, 2), quota(1, 5, 100), 100, "in_flight_participant"),
        (quota(1, 5, 100), quota(1, 5, 2), 100, "in_flight_agency"),
        (quota(1, 5, 100), quota(1, 5, 100), 2, "in_flight_node"),
    ] {
        let desk = Desk::new(caller, asked, node);
        let held = [desk.call().unwrap(), desk.call().unwrap()];
        for _ in 0..500 {
            assert_eq!(desk.refusal(), (Code::GatewayOverloaded, reason, Some(1)));
        }
        drop(held);
        assert_eq!(desk.admitted(), 3, "{reason}: five tokens, two spent");
        assert_eq!(desk.admission.in_flight(), 0);
    }
}

#[test]
fn uploads_of_one_participant_leave_most_of_an_agencys_connections_to_the_others() {
    let desk = Desk::new(FREE, FREE, 100);
    let participant = &desk.settings.participants[house::PARTICIPANT];
    let service = &desk.settings.services[house::SERVICE][0];
    let upload = || desk.admission.upload(participant, service);
    // Of the house's eight connections.
    let held: Vec<_> = (0..2).map(|_| upload().unwrap()).collect();
    let fault = upload().expect_err("a refusal");
    assert_eq!((fault.code, fault.reason), (Code::GatewayOverloaded, "uploads_participant"));
    assert_eq!(desk.admitted(), 1000, "other calls go on");
    drop(held);
    upload().unwrap();
}

#[test]
fn a_service_of_its_own_quota_is_counted_apart() {
    let mut caller = participant(quota(1, 1, 10));
    caller.service_quotas.insert(house::SERVICE.to_owned(), quota(1, 4, 10));
    let settings = settings(agency("http://127.0.0.1:1"), caller);
    let clock = FakeRelativeClock::default();
    let desk = Desk { admission: Admission::with_clock(&settings, &clock), clock, settings };
    assert_eq!(desk.admitted(), 4);
}

/// An agency that bears one call at once, before which so many may wait.
fn with_line(waiting_max: usize, class: Class) -> Desk {
    let one = Agency { quota: quota(1, 10, 1), ..agency("http://127.0.0.1:1") };
    let line = Line { waiting_max, ..one.line };
    let caller = Participant { class, ..participant(quota(1, 10, 100)) };
    let settings = settings(Agency { line, ..one }, caller);
    let clock = FakeRelativeClock::default();
    Desk { admission: Admission::with_clock(&settings, &clock), clock, settings }
}

async fn entered(desk: &Desk, within: Duration) -> Result<Permit, Fault> {
    let participant = &*desk.settings.participants[house::PARTICIPANT];
    let service = &*desk.settings.services[house::SERVICE][0];
    let seat = desk.admission.seat(Class::Payment)?;
    desk.admission.enter(seat, (participant, service), Instant::now() + within).await
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn who_waits_gets_the_place_that_is_given_back_and_nobody_before_them() {
    let desk = with_line(8, Class::Citizen);
    let first = entered(&desk, LONG).await.unwrap();
    let mut second = pin!(entered(&desk, LONG));
    let mut third = pin!(entered(&desk, LONG));
    let mut looked = Context::from_waker(Waker::noop());
    assert!(second.as_mut().poll(&mut looked).is_pending());
    assert!(third.as_mut().poll(&mut looked).is_pending());
    let levels = desk.admission.levels().next().unwrap().1;
    assert_eq!((levels.in_flight, levels.limit, levels.waiting), (1, 1, 2));
    drop(first);
    assert!(third.as_mut().poll(&mut looked).is_pending(), "it is the second's turn");
    let second = second.await.unwrap();
    drop(second);
    drop(third.await.unwrap());
    let levels = desk.admission.levels().next().unwrap().1;
    assert_eq!((levels.in_flight, levels.waiting), (0, 0));
    // A place that nobody waits for is there for the next.
    drop(entered(&desk, LONG).await.unwrap());
}

#[tokio::test]
async fn who_cannot_be_answered_in_time_or_finds_the_line_full_is_told_at_once_and_pays_nothing() {
    let desk = with_line(1, Class::Citizen);
    let held = entered(&desk, LONG).await.unwrap();
    let late = entered(&desk, Duration::ZERO).await.expect_err("too late");
    assert_eq!((late.code, late.reason), (Code::GatewayOverloaded, "deadline_agency"));
    assert!(late.retry_after_s.is_some());
    let mut waiting = Box::pin(entered(&desk, LONG));
    let mut looked = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut looked).is_pending());
    let full = entered(&desk, LONG).await.expect_err("the line is full");
    assert_eq!((full.code, full.reason), (Code::GatewayOverloaded, "waiting_agency"));
    // Who gives up waiting leaves the line, and the next may wait.
    drop(waiting);
    assert_eq!(desk.admission.levels().next().unwrap().1.waiting, 0);
    drop(held);
    // Of ten tokens one was held and one waited: the refused ones paid nothing.
    let mut admitted = 0;
    while entered(&desk, LONG).await.is_ok() {
        admitted += 1;
    }
    assert_eq!(admitted, 8);
}

#[tokio::test]
async fn a_payment_takes_the_room_of_a_batch_in_a_full_line() {
    let desk = with_line(1, Class::Batch);
    let held = entered(&desk, LONG).await.unwrap();
    let batch = {
        let mut waiting = Box::pin(entered(&desk, LONG));
        let mut looked = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut looked).is_pending());
        // The same line under settings in which the participant pays.
        let paying = with_line(1, Class::Payment);
        let admission = Admission::renewed(&paying.settings, &desk.clock, Some(&desk.admission));
        let payer = Desk { admission, clock: desk.clock.clone(), settings: paying.settings };
        let mut payment = Box::pin(entered(&payer, LONG));
        assert!(payment.as_mut().poll(&mut looked).is_pending(), "it waits now");
        let refused = waiting.await.expect_err("its room was taken");
        drop(held);
        drop(payment.await.unwrap());
        refused
    };
    assert_eq!((batch.code, batch.reason), (Code::GatewayOverloaded, "waiting_agency"));
}

#[test]
fn a_call_refused_by_a_quota_is_told_which_contract_and_what_is_left() {
    let desk = Desk::new(quota(2, 3, 100), FREE, 100);
    assert_eq!(desk.admitted(), 3);
    let fault = desk.call().expect_err("a refusal");
    let budget = fault.budget.as_deref().expect("it explains itself");
    assert_eq!((budget.per_second, budget.burst, budget.remaining), (2, 3, 0));
    assert_eq!(budget.reset_s, 1);
    assert!(budget.contract.contains(house::PARTICIPANT), "{}", budget.contract);
    assert!(fault.public_line().contains("2 a second, 3 at once; 0 left"), "{fault}");
    let left = desk.admission.budget(house::PARTICIPANT, house::SERVICE).unwrap();
    assert_eq!((left.remaining, left.reset_s), (0, 2));
}

#[test]
fn places_of_the_node_are_kept_for_the_more_urgent() {
    let desk = Desk::new(FREE, FREE, 20);
    let mut held = Vec::new();
    for (class, places) in [(Class::Batch, 16), (Class::Citizen, 18), (Class::Payment, 20)] {
        while let Ok(seat) = desk.admission.seat(class) {
            held.push(seat);
        }
        assert_eq!(held.len(), places, "{class:?}");
    }
}

#[test]
fn a_change_of_the_settings_gives_nobody_new_tokens_and_no_place_twice() {
    let mut desk = Desk::new(quota(1, 4, 2), FREE, 100);
    let held = desk.call().expect("the first");
    assert_eq!(desk.admitted(), 3);
    let renew = |desk: &mut Desk, caller: Quota| {
        desk.settings = settings(agency("http://127.0.0.1:1"), participant(caller));
        let admission = Admission::renewed(&desk.settings, &desk.clock, Some(&desk.admission));
        desk.admission = admission;
    };
    // The same quota: as empty as before.
    renew(&mut desk, quota(1, 4, 2));
    assert_eq!(desk.refusal().1, "quota_participant");
    assert_eq!(desk.admission.in_flight(), 1);
    // Another burst: what was spent is spent, and one more may come.
    renew(&mut desk, quota(1, 5, 2));
    assert_eq!(desk.admitted(), 1);
    desk.clock.advance(Duration::from_secs(2));
    let second = desk.call().expect("a token came back");
    assert_eq!(desk.refusal().1, "in_flight_participant", "who was in flight before counts");
    drop((held, second));
    assert_eq!(desk.admission.in_flight(), 0);
}

#[test]
fn threads_together_get_exactly_the_quota_and_every_place_is_given_back() {
    let desk = Arc::new(Desk::new(quota(1, 500, 8), quota(1000, 300, 8), 8));
    let admitted = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (desk, admitted) = (Arc::clone(&desk), Arc::clone(&admitted));
            scope.spawn(move || {
                for _ in 0..2000 {
                    if desk.call().is_ok() {
                        admitted.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(admitted.load(Ordering::SeqCst), 300, "the agency's burst");
    assert_eq!(desk.admission.in_flight(), 0);
    // The participant paid for 300 of the 8000 calls: 200 tokens are left to it and one is new.
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(desk.admitted(), 201);
}

#[derive(Clone, Debug)]
enum Step {
    Call,
    Leave,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Call),
        2 => Just(Step::Leave),
        1 => (1u64..3000).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a model that can look before it takes: two buckets and three caps.
    #[test]
    fn a_call_is_refused_only_for_a_cause_and_the_cause_is_true(
        steps in steps(),
        (caller_burst, caller_rate, agency_burst, agency_rate) in (1u32..6, 1u32..4, 1u32..6, 1u32..4),
        (caller_most, agency_most, node_most) in (1u32..6, 1u32..6, 1usize..6),
    ) {
        let caller = quota(caller_rate, caller_burst, caller_most);
        let asked = quota(agency_rate, agency_burst, agency_most);
        let desk = Desk::new(caller, asked, node_most);
        let mut buckets = [Bucket::new(caller), Bucket::new(asked)];
        let mut held = Vec::new();
        for step in steps {
            match step {
                Step::Wait(ms) => {
                    desk.clock.advance(Duration::from_millis(ms));
                    buckets.iter_mut().for_each(|bucket| bucket.wait(ms));
                }
                Step::Leave => drop(held.pop()),
                Step::Call => {
                    let expected = if held.len() >= node_most {
                        Err("in_flight_node")
                    } else if held.len() >= caller_most as usize {
                        Err("in_flight_participant")
                    } else if held.len() >= agency_most as usize {
                        Err("in_flight_agency")
                    } else if !buckets[0].has_one() {
                        Err("quota_participant")
                    } else if !buckets[1].has_one() {
                        Err("quota_agency")
                    } else {
                        Ok(())
                    };
                    let result = desk.call();
                    let got = result.as_ref().map(|_| ()).map_err(|fault| fault.reason);
                    prop_assert_eq!(got, expected);
                    if let Ok(permit) = result {
                        buckets.iter_mut().for_each(Bucket::take);
                        held.push(permit);
                    }
                    prop_assert_eq!(desk.admission.in_flight(), held.len());
                }
            }
        }
    }
}

/// A token bucket in exact thousandths of a token per millisecond of waiting.
struct Bucket {
    quota: Quota,
    milli_tokens: u64,
}

impl Bucket {
    fn new(quota: Quota) -> Self {
        Self { quota, milli_tokens: u64::from(quota.burst) * 1000 }
    }

    fn wait(&mut self, ms: u64) {
        let most = u64::from(self.quota.burst) * 1000;
        self.milli_tokens = most.min(self.milli_tokens + ms * u64::from(self.quota.per_second));
    }

    fn has_one(&self) -> bool {
        self.milli_tokens >= 1000
    }

    fn take(&mut self) {
        self.milli_tokens -= 1000;
    }
}
