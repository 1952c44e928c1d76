//! Single cases of money that came or went against what was thought: too rare for chance to dwell on.

use super::World;
use super::history::{MORNING_US, charge, heard, id, payer};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{
    Act, Command, Opening, Payee, Receipt, Refund, Refusal, Reply, Report,
};
use crate::payments::ledger::Claim;
use crate::payments::order::{Action, Ruling, Said, State};
use crate::payments::record::Order;
use jiff::civil::date;
use qaqpa_kit::money::Amount;

pub(super) const DAY_US: i64 = 86_400_000_000;

pub(super) fn tiyn(tiyn: i64) -> Amount {
    Amount::new(tiyn).unwrap()
}

/// Money for charge 0 or 1, taken by the bank.
pub(super) fn receipt(number: usize, document: &str, times: (i64, i64)) -> Command {
    Command::Receive(received(number, document, times))
}

pub(super) fn received(
    number: usize,
    document: &str,
    (posted_at_us, at_us): (i64, i64),
) -> Receipt {
    Receipt {
        order: id(10 + number),
        charge: id(number),
        bank: "alpha".to_owned(),
        txn_id: format!("T{number}"),
        payer: Some(payer()),
        payee: Payee::default(),
        amount: tiyn([10_000, 25_050][number]),
        posted_at_us,
        document_number: Some(document.to_owned()),
        at_us,
        original_digest: "0".repeat(64),
    }
}

pub(super) fn refund(number: usize, amount: i64) -> Command {
    Command::Refund(Refund {
        order: id(20 + number),
        original: id(10),
        amount: tiyn(amount),
        reason: "asked".to_owned(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + DAY_US,
    })
}

pub(super) fn opening() -> Command {
    Command::Open(Opening {
        order: id(10),
        charge: id(0),
        bank: "alpha".to_owned(),
        payer: payer(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + DAY_US,
    })
}

pub(super) fn hear(order: usize, said: Said) -> Command {
    Command::Hear(heard(order, said))
}

pub(super) fn rule(order: usize, ruling: Ruling) -> Command {
    let (order, reason) = (id(order), "the bank's letter".to_owned());
    Command::Rule { order, ruling, reason, at_us: MORNING_US }
}

/// A world in which charge 0 was paid by order 10.
pub(super) fn paid() -> World {
    let mut world = World::new();
    world.run(Command::Register(vec![charge(0), charge(1)]));
    world.run(receipt(0, "D1", (MORNING_US, MORNING_US)));
    world
}

pub(super) fn order(world: &World, number: usize) -> Order {
    world.book.orders().remove(id(number).text()).unwrap()
}

#[test]
fn a_refund_that_was_refused_and_then_paid_takes_its_share_again() {
    for void in [Action::Cancel, Action::Expire] {
        let mut world = paid();
        world.run(refund(0, 10_000));
        match void {
            Action::Cancel => world.run(hear(20, Said::Rejected)),
            _ => world.run(Command::Act(Act {
                order: id(20),
                action: void,
                attempt: 0,
                node: "node".to_owned(),
                at_us: MORNING_US + DAY_US,
                check_at_us: MORNING_US + DAY_US,
            })),
        };
        assert_eq!(order(&world, 10).returned_tiyn, 0, "it came to nothing");
        world.run(hear(20, Said::Posted));
        assert_eq!(order(&world, 10).returned_tiyn, 10_000, "its money went out nevertheless");
        let more = world.run(refund(1, 1));
        assert!(matches!(more, Reply::Refused(Refusal::TooMuch)), "{more:?}");
    }
}

#[test]
fn where_another_refund_took_the_share_meanwhile_somebody_has_to_look() {
    let mut world = paid();
    world.run(refund(0, 10_000));
    world.run(hear(20, Said::Rejected));
    world.run(refund(1, 10_000));
    world.run(hear(20, Said::Posted));
    assert_eq!(order(&world, 20).state, State::Conflict);
    assert_eq!(order(&world, 10).returned_tiyn, 10_000, "no more than was paid");
    world.run(rule(20, Ruling::Rejected));
    assert_eq!(order(&world, 10).returned_tiyn, 10_000, "the other one's share stays");
    // The share is free again before the money of the first turns up: then it is its.
    let mut world = paid();
    world.run(refund(0, 10_000));
    world.run(hear(20, Said::Rejected));
    world.run(hear(20, Said::Posted));
    world.run(rule(20, Ruling::Rejected));
    assert_eq!(order(&world, 10).returned_tiyn, 0);
}

#[test]
fn a_number_of_a_closed_day_may_be_given_again_on_the_next() {
    let mut world = World::new();
    world.run(Command::Register(vec![charge(0), charge(1)]));
    let next_us = MORNING_US + DAY_US;
    let bank = "alpha".to_owned();
    let day = OperatingDay::of(date(2026, 11, 25));
    let closed = world.run(Command::Close { bank, day, at_us: next_us });
    assert!(matches!(closed, Reply::Closed(_)), "{closed:?}");
    // Money of the closed day counts in the next one, under the number that it had.
    world.run(receipt(0, "D17", (MORNING_US, next_us)));
    world.run(receipt(1, "D17", (next_us, next_us)));
    let (late, timely) = (order(&world, 10), order(&world, 11));
    assert_eq!((late.state, timely.state), (State::Posted, State::Posted));
    assert_eq!(late.operating_day, timely.operating_day);
    assert_eq!([&late, &timely].map(|one| one.document_number.as_deref()), [Some("D17"); 2]);
}

#[test]
fn a_ruling_ends_what_was_known_and_not_what_is_heard_later() {
    let open = || {
        let mut world = World::new();
        world.run(Command::Register(vec![charge(0)]));
        world.run(opening());
        world.run(hear(10, Said::Posted));
        world.run(hear(10, Said::Rejected));
        world
    };
    for (ruling, later, ends) in [
        (Ruling::Rejected, Said::Posted, State::Rejected),
        (Ruling::Rejected, Said::Settled, State::Conflict),
        (Ruling::Posted, Said::Settled, State::Settled),
        (Ruling::Posted, Said::Rejected, State::Posted),
    ] {
        let mut world = open();
        world.run(rule(10, ruling));
        let event_id = "later".to_owned();
        world.run(Command::Hear(Report { event_id, ..heard(10, later) }));
        assert_eq!(order(&world, 10).state, ends, "{ruling:?} {later:?}");
    }
}

#[test]
fn money_that_an_operator_finds_pays_its_charge_unless_another_does() {
    for is_paid_by_another in [false, true] {
        let mut world = World::new();
        world.run(Command::Register(vec![charge(0)]));
        world.run(opening());
        world.run(hear(10, Said::Rejected));
        if is_paid_by_another {
            let other = received(0, "D1", (MORNING_US, MORNING_US));
            world.run(Command::Receive(Receipt { order: id(11), ..other }));
        }
        world.run(hear(10, Said::Posted));
        world.run(rule(10, Ruling::Posted));
        let found = order(&world, 10);
        assert_eq!((found.state, found.holds), (State::Posted, !is_paid_by_another));
        let lies = if is_paid_by_another { Claim::Suspense } else { Claim::Payable };
        assert_eq!(found.claim, Some(lies));
    }
}

#[test]
fn nothing_is_given_back_of_a_payment_that_is_contested() {
    let mut world = paid();
    world.run(refund(0, 10_000));
    world.run(hear(10, Said::Rejected));
    let submit = Command::Act(Act {
        order: id(20),
        action: Action::Submit,
        attempt: 0,
        node: "node".to_owned(),
        at_us: MORNING_US,
        check_at_us: MORNING_US,
    });
    let frozen = world.run(submit.clone());
    assert!(matches!(frozen, Reply::Refused(Refusal::NotNow(State::Conflict))), "{frozen:?}");
    world.run(rule(10, Ruling::Posted));
    assert!(matches!(world.run(submit), Reply::Order { .. }));
}
