//! Single cases of money that a bank gave back by itself: once, with its share, whatever was heard first.

use super::World;
use super::cases::{DAY_US, hear, order, paid, refund, rule, tiyn};
use super::history::{MORNING_US, charge, heard, id};
use crate::payments::command::{Act, Command, Redeeming, Refusal, Reply, Report};
use crate::payments::ledger::Claim;
use crate::payments::order::{Action, Ruling, Said, State, Step};
use std::collections::BTreeMap;

/// The bank says that so much of payment 10 went back; `number` makes the event and the order.
fn returned(said: Said, number: usize, amount: i64) -> Command {
    let document_number = Some(format!("B{number}"));
    Command::Return { order: id(30 + number), report: word(said, number, amount, document_number) }
}

fn word(said: Said, number: usize, amount: i64, document_number: Option<String>) -> Report {
    Report {
        event_id: format!("return {number}"),
        amount: Some(tiyn(amount)),
        document_number,
        ..heard(10, said)
    }
}

fn balances(world: &World) -> BTreeMap<String, i64> {
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for transfer in world.book.transfers() {
        *balances.entry(transfer.debit.clone()).or_default() += transfer.amount_tiyn;
        *balances.entry(transfer.credit.clone()).or_default() -= transfer.amount_tiyn;
    }
    balances.retain(|_, balance| *balance != 0);
    balances
}

/// The bank has the refund.
fn submit(world: &mut World) {
    for action in [Action::Submit, Action::Sent] {
        world.run(Command::Act(Act {
            order: id(20),
            action,
            attempt: 1,
            node: "node".to_owned(),
            at_us: MORNING_US,
            check_at_us: MORNING_US,
        }));
    }
}

#[test]
fn a_return_is_a_linked_order_of_its_own_and_is_heard_once() {
    for said in [Said::Returned, Said::Credited, Said::Refunded] {
        let mut world = paid();
        world.run(returned(said, 1, 4_000));
        for _ in 0..3 {
            let again = world.run(returned(said, 1, 4_000));
            assert!(matches!(again, Reply::Order { is_new: false, .. }), "{again:?}");
        }
        let (payment, back) = (order(&world, 10), order(&world, 31));
        assert_eq!((back.reverses.as_ref(), back.state), (Some(&payment.id), State::Posted));
        assert_eq!((payment.state, payment.returned_tiyn), (State::Posted, 4_000));
        assert_eq!((back.step, &*back.agency), (Step::Returned, "agency"));
        let left = balances(&world);
        assert_eq!(left["receivable:alpha"], 6_000, "{left:?}");
        assert_eq!(left["payable:990140000017:108125"], -6_000, "{left:?}");
        let told: Vec<_> = world.book.notices().into_iter().map(|one| one.order_id).collect();
        assert!(told.contains(&back.id), "who is concerned is told");
        let more = world.run(refund(0, 6_001));
        assert!(matches!(more, Reply::Refused(Refusal::TooMuch)), "{more:?}");
        assert!(world.run(refund(0, 6_000)).order().is_some());
    }
}

#[test]
fn more_than_is_left_waits_for_an_operator_and_moves_no_money() {
    let mut world = paid();
    world.run(returned(Said::Returned, 1, 7_000));
    world.run(returned(Said::Returned, 2, 3_001));
    let late = order(&world, 32);
    assert_eq!((late.state, late.holds, late.asset), (State::Conflict, false, None));
    assert_eq!(order(&world, 10).returned_tiyn, 7_000);
    assert_eq!(balances(&world)["receivable:alpha"], 3_000);
    // Whatever he says: no more than was paid counts.
    world.run(rule(32, Ruling::Posted));
    assert_eq!(order(&world, 32).state, State::Posted);
    assert_eq!(order(&world, 10).returned_tiyn, 7_000);
    assert_eq!(balances(&world)["receivable:alpha"], 3_000);
}

#[test]
fn a_return_that_found_no_share_takes_it_when_it_is_let_go() {
    let mut world = paid();
    world.run(refund(0, 10_000));
    submit(&mut world);
    // A booking under the payment's own id is no refund of ours, which has its own.
    world.run(returned(Said::Returned, 1, 10_000));
    assert_eq!(order(&world, 31).state, State::Conflict);
    world.run(hear(20, Said::Rejected));
    let back = order(&world, 31);
    assert_eq!((back.state, back.holds), (State::Posted, true));
    assert_eq!(order(&world, 10).returned_tiyn, 10_000);
    assert_eq!(balances(&world), BTreeMap::new(), "all of it went back");
}

#[test]
fn money_that_went_back_by_our_refund_is_that_refund() {
    // The bank says so before its answer, after it, and again.
    for is_answered_first in [true, false] {
        let mut world = paid();
        world.run(refund(0, 4_000));
        submit(&mut world);
        if is_answered_first {
            world.run(hear(20, Said::Posted));
        }
        let told = world.run(returned(Said::Refunded, 1, 4_000));
        assert_eq!(told.order().map(|order| order.id.clone()), Some(id(20)));
        world.run(hear(20, Said::Posted));
        assert_eq!(order(&world, 20).state, State::Posted);
        assert_eq!(order(&world, 10).returned_tiyn, 4_000, "once");
        // The next one of that amount is the bank's own.
        world.run(returned(Said::Refunded, 2, 4_000));
        assert_eq!(order(&world, 32).state, State::Posted);
        assert_eq!(order(&world, 10).returned_tiyn, 8_000);
    }
}

#[test]
fn a_refund_that_was_given_up_or_is_of_another_amount_is_not_meant() {
    let mut world = paid();
    world.run(refund(0, 4_000));
    world.run(Command::Act(Act {
        order: id(20),
        action: Action::Expire,
        attempt: 0,
        node: "node".to_owned(),
        at_us: MORNING_US + DAY_US,
        check_at_us: MORNING_US + DAY_US,
    }));
    world.run(refund(1, 3_000));
    world.run(returned(Said::Refunded, 1, 4_000));
    assert_eq!(order(&world, 20).state, State::Expired);
    assert_eq!(order(&world, 21).state, State::Reserved);
    assert_eq!(order(&world, 31).state, State::Posted);
    assert_eq!(order(&world, 10).returned_tiyn, 7_000);
}

#[test]
fn a_refund_of_ours_is_booked_under_its_own_id_and_may_come_back() {
    let mut world = paid();
    world.run(refund(0, 4_000));
    submit(&mut world);
    let about = |said, event: &str| Command::Return {
        order: id(31),
        report: Report { event_id: event.to_owned(), amount: Some(tiyn(4_000)), ..heard(20, said) },
    };
    world.run(about(Said::Credited, "booked"));
    assert_eq!(order(&world, 20).state, State::Posted);
    world.run(about(Said::Returned, "came back"));
    assert_eq!(order(&world, 20).state, State::Conflict, "an operator says which");
    assert!(!world.book.orders().contains_key(id(31).text()), "no return of a refund");
}

#[test]
fn two_returns_that_nothing_tells_apart_are_an_operators_to_tell() {
    let mut world = paid();
    for number in [1, 2] {
        let report = word(Said::Returned, number, 3_000, None);
        world.run(Command::Return { order: id(30 + number), report });
    }
    assert_eq!([31, 32].map(|one| order(&world, one).state), [State::Posted, State::Conflict]);
    assert_eq!(order(&world, 10).returned_tiyn, 6_000, "nothing of it is given back twice");
    world.run(rule(32, Ruling::Rejected));
    assert_eq!(order(&world, 10).returned_tiyn, 3_000);
    assert_eq!(balances(&world)["receivable:alpha"], 7_000);
}

#[test]
fn a_return_takes_from_where_the_money_lies_and_a_payment_without_any_gives_none() {
    let mut world = paid();
    world.run(returned(Said::Returned, 1, 4_000));
    world.run(hear(10, Said::Rejected));
    assert_eq!(order(&world, 10).claim, Some(Claim::Suspense));
    let left = balances(&world);
    assert_eq!((left["suspense:alpha"], left["receivable:alpha"]), (-6_000, 6_000), "{left:?}");
    world.run(rule(10, Ruling::Rejected));
    assert_eq!(balances(&world), BTreeMap::new(), "nothing came, so nothing went back");
    assert_eq!(order(&world, 31).state, State::Conflict);
    assert_eq!(order(&world, 10).returned_tiyn, 0);
}

#[test]
fn what_was_used_keeps_its_money_until_the_use_came_to_nothing() {
    let mut world = paid();
    let used = world.run(Command::Redeem(Redeeming {
        order: id(10),
        call: "C1".to_owned(),
        participant: "portal".to_owned(),
        service: "extract".to_owned(),
        kbk: "108125".to_owned(),
        amount: tiyn(10_000),
        at_us: MORNING_US,
    }));
    assert!(used.order().is_some(), "{used:?}");
    world.run(returned(Said::Returned, 1, 10_000));
    assert_eq!(order(&world, 31).state, State::Conflict);
    assert_eq!(order(&world, 10).returned_tiyn, 0);
    let call = "C1".to_owned();
    world.run(Command::Restore { order: id(10), call, at_us: MORNING_US });
    assert_eq!(order(&world, 31).state, State::Posted);
    assert_eq!(order(&world, 10).returned_tiyn, 10_000);
}

#[test]
fn a_return_of_a_payment_that_nobody_knows_is_kept_and_opens_nothing() {
    let mut world = World::new();
    world.run(Command::Register(vec![charge(0)]));
    let told = world.run(returned(Said::Returned, 1, 4_000));
    assert!(matches!(told, Reply::Refused(Refusal::NoOrder)), "{told:?}");
    assert_eq!(world.book.heard().len(), 1);
    assert!(world.book.orders().is_empty());
    let mut world = paid();
    let Command::Return { order, mut report } = returned(Said::Returned, 1, 4_000) else {
        panic!()
    };
    report.amount = None;
    let told = world.run(Command::Return { order, report });
    assert!(matches!(told, Reply::Refused(Refusal::Malformed)), "how much, only the bank knows");
}
