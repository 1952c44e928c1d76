//! Single cases of money in suspense that an operator leads to a charge: all of it, once, for the right payee.

use super::World;
use super::cases::{DAY_US, opening, order, paid, receipt, received, refund, rule, tiyn};
use super::history::{MORNING_US, charge, heard, id};
use crate::payments::command::{Act, Applying, Command, Receipt, Refusal, Reply, Report};
use crate::payments::ledger::Claim;
use crate::payments::order::{Action, Ruling, Said, State};

/// Charge 2 is of the amount of charge 0, for the same payee.
fn apply(number: usize, from: usize, to: usize) -> Command {
    Command::Apply(Applying {
        order: id(40 + number),
        from: id(from),
        charge: id(to),
        reason: "paid twice, the payer's letter".to_owned(),
        at_us: MORNING_US,
    })
}

/// Charge 0 was paid twice: order 15 lies in suspense.
fn paid_twice() -> World {
    let mut world = paid();
    world.run(Command::Register(vec![charge(2)]));
    let again = received(0, "D2", (MORNING_US, MORNING_US));
    world.run(Command::Receive(Receipt { order: id(15), txn_id: "T9".to_owned(), ..again }));
    assert_eq!(order(&world, 15).claim, Some(Claim::Suspense));
    world
}

fn refused(reply: &Reply) -> Refusal {
    match reply {
        Reply::Refused(refusal) => *refusal,
        other => panic!("{other:?}"),
    }
}

fn balance(world: &World, account: &str) -> i64 {
    let side = |name: &str, tiyn: i64| if name == account { tiyn } else { 0 };
    let moved = world.book.transfers().iter();
    moved.map(|one| side(&one.debit, one.amount_tiyn) - side(&one.credit, one.amount_tiyn)).sum()
}

#[test]
fn double_money_pays_another_charge_once() {
    let mut world = paid_twice();
    assert_eq!(balance(&world, "suspense:alpha"), -10_000);
    let led = world.run(apply(1, 15, 2));
    let led = led.order().unwrap_or_else(|| panic!("{led:?}")).clone();
    assert_eq!((led.state, led.claim, led.holds), (State::Posted, Some(Claim::Payable), true));
    assert_eq!((led.takes.as_ref(), led.charge.as_ref()), (Some(&id(15)), Some(&id(2))));
    assert_eq!(balance(&world, "suspense:alpha"), 0);
    assert_eq!(balance(&world, "payable:990140000017:108125"), -20_000);
    let from = order(&world, 15);
    assert_eq!((from.state, from.returned_tiyn), (State::Posted, 10_000));
    let told: Vec<_> =
        world.book.notices().into_iter().filter(|one| one.cause == "applied").collect();
    let told = |number: usize| told.iter().any(|one| one.order_id == id(number));
    assert!(told(41) && told(15), "who is paid, and whose money it was");
    assert_eq!(refused(&world.run(apply(2, 15, 2))), Refusal::Returned);
    let more = world.run(Command::Refund(crate::payments::command::Refund {
        order: id(20),
        original: id(15),
        amount: tiyn(1),
        reason: "asked".to_owned(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + DAY_US,
    }));
    assert_eq!(refused(&more), Refusal::TooMuch, "it is not there any more");
}

#[test]
fn late_money_pays_its_own_charge_where_that_is_open_again() {
    for void in [Action::Cancel, Action::Expire] {
        let mut world = World::new();
        world.run(Command::Register(vec![charge(0)]));
        world.run(opening());
        world.run(Command::Act(Act {
            order: id(10),
            action: void,
            attempt: 0,
            node: "node".to_owned(),
            at_us: MORNING_US + DAY_US,
            check_at_us: MORNING_US + DAY_US,
        }));
        assert_eq!(refused(&world.run(apply(1, 10, 0))), Refusal::NoSurplus, "it has not come");
        let event_id = "late".to_owned();
        world.run(Command::Hear(Report { event_id, ..heard(10, Said::Posted) }));
        let ended = order(&world, 10).state;
        assert!(world.run(apply(1, 10, 0)).order().is_some());
        assert_eq!(order(&world, 10).state, ended, "what ended stays ended");
        let charge = order(&world, 41).charge;
        assert_eq!((charge, order(&world, 41).state), (Some(id(0)), State::Posted));
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut world = paid_twice();
    let before = world.book.orders();
    for (command, expected) in [
        (apply(1, 15, 0), Refusal::Held(State::Posted)),
        (apply(1, 15, 1), Refusal::OtherAmount),
        (apply(1, 15, 3), Refusal::NoCharge),
        (apply(1, 10, 2), Refusal::NoSurplus),
        (apply(1, 16, 2), Refusal::NoOrder),
    ] {
        assert_eq!(refused(&world.run(command)), expected);
        assert_eq!(world.book.orders(), before);
    }
    let Command::Apply(asked) = apply(1, 15, 2) else { panic!() };
    let silent = Applying { reason: " ".to_owned(), ..asked.clone() };
    assert_eq!(refused(&world.run(Command::Apply(silent))), Refusal::NoReason);
    let taken = Applying { order: id(15), ..asked };
    assert_eq!(refused(&world.run(Command::Apply(taken))), Refusal::Taken);
    let mut other = charge(4);
    other.kbk = "204160".to_owned();
    world.run(Command::Register(vec![other]));
    assert_eq!(refused(&world.run(apply(1, 15, 4))), Refusal::OtherPayee);
}

#[test]
fn money_that_is_contested_or_partly_gone_is_not_led_anywhere() {
    let mut world = paid_twice();
    let event_id = "no".to_owned();
    world.run(Command::Hear(Report { event_id, ..heard(15, Said::Rejected) }));
    assert_eq!(refused(&world.run(apply(1, 15, 2))), Refusal::NoSurplus);
    world.run(rule(15, Ruling::Posted));
    assert!(world.run(apply(1, 15, 2)).order().is_some());
    let mut world = paid_twice();
    world.run(receipt(1, "D3", (MORNING_US, MORNING_US)));
    let Command::Refund(asked) = refund(0, 1) else { panic!() };
    world.run(Command::Refund(crate::payments::command::Refund { original: id(15), ..asked }));
    assert_eq!(refused(&world.run(apply(1, 15, 2))), Refusal::Returned);
}
