//! What was known of a day when it was closed can be told for ever, by clocks that go as they like.

use super::history::{Chance, MORNING_US, charge, commands, heard, id, payer};
use super::{BANKS, World};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{Act, Command, Opening, Refund, Reply, Report, Telling};
use crate::payments::order::{Action, Ruling, Said, State, Step};
use crate::payments::record::{Change, Closing, Order};
use qaqpa_kit::money::Amount;
use std::collections::BTreeMap;

const HISTORIES: u64 = 20_000;

/// What a register is compared with: state, step, receipt number and the bank's id.
type Known = (State, Step, Option<String>, Option<String>);

/// An order as it is now.
fn now(order: &Order) -> Known {
    (order.state, order.step, order.document_number.clone(), order.txn_id.clone())
}

/// An order as it was at a moment, by what is kept of it.
fn then(world: &World, order: &Order, at_us: i64) -> Known {
    let is_of_it = |change: &&Change| change.order_id == order.id && change.changed_at_us <= at_us;
    let change = world.book.changes().iter().filter(is_of_it).max_by_key(|change| change.version);
    let change = change.expect("it was there at the closing");
    let named = |text: &Option<String>, since_us: Option<i64>| {
        text.clone().filter(|_| since_us.is_some_and(|since_us| since_us <= at_us))
    };
    let document = named(&order.document_number, order.document_at_us);
    (change.state, change.step.unwrap(), document, named(&order.txn_id, order.txn_at_us))
}

/// A node whose clock is a day ahead of all others closes the day.
fn closed_from_elsewhere() -> Command {
    let day = OperatingDay::of(jiff::civil::date(2026, 11, 25));
    Command::Close { bank: BANKS[0].to_owned(), day, at_us: MORNING_US + 86_400_000_000 }
}

#[test]
fn what_was_known_at_a_closing_is_told_the_same_for_ever() {
    let mut changed = [0; 3];
    for seed in 0..HISTORIES {
        let mut world = World::new();
        let mut closed: Vec<(Closing, BTreeMap<String, Known>)> = Vec::new();
        let mut commands = commands(seed);
        let place = 3 + Chance::new(!seed).below(commands.len() - 3);
        commands.insert(place, closed_from_elsewhere());
        for command in commands {
            if matches!(world.run(command), Reply::Closed(_)) {
                let orders = world.book.orders();
                for closing in world.book.closings().iter().skip(closed.len()) {
                    let day = (&closing.bank, Some(closing.operating_day));
                    let of_it = |order: &&Order| (&order.bank, order.operating_day) == day;
                    let known = orders.values().filter(of_it);
                    let known = known.map(|order| (order.id.text().to_owned(), now(order)));
                    closed.push((closing.clone(), known.collect()));
                }
            }
        }
        let orders = world.book.orders();
        for (closing, known) in &closed {
            for (id, known) in known {
                let order = orders.get(id).unwrap();
                assert_eq!(&then(&world, order, closing.closed_at_us), known, "seed {seed}: {id}");
                let is = now(order);
                let differs = [is.0 != known.0, is.2 != known.2, is.3 != known.3];
                changed.iter_mut().zip(differs).for_each(|(count, it)| *count += u64::from(it));
            }
        }
    }
    // A generator whose closed days never change proves nothing of them.
    assert!(changed.iter().all(|count| *count > 0), "{changed:?}");
}

/// Commands of one story, and the place of the closing among them.
pub(super) type Story = (Vec<Command>, usize);

fn opened(order: usize) -> Command {
    let (order, charge, bank) = (id(order), id(0), BANKS[0].to_owned());
    let (at_us, deadline_us) = (MORNING_US, MORNING_US + 1);
    let (payer, opened_by) = (payer(), "portal".to_owned());
    Command::Open(Opening { order, charge, bank, payer, opened_by, at_us, deadline_us })
}

fn done(order: usize, action: Action) -> Command {
    let (order, node, at_us) = (id(order), String::new(), MORNING_US);
    Command::Act(Act { order, action, attempt: 0, node, at_us, check_at_us: at_us })
}

/// A payment that was posted when its day was closed, by a node whose clock is another day ahead; what came
/// later: its numbers, a contradiction, and that it is surplus.
pub(super) fn told_later() -> Story {
    let said = |said, number: u32| Report { event_id: format!("E{number}"), ..heard(10, said) };
    let (posted_at_us, at_us) = (Some(MORNING_US), MORNING_US + 2 * 86_400_000_000);
    let posted = Report { posted_at_us, at_us, ..said(Said::Posted, 1) };
    let numbers = Report {
        document_number: Some("D1".to_owned()),
        txn_id: Some("T1".to_owned()),
        ..said(Said::Posted, 2)
    };
    let rule = |ruling| {
        let (order, reason, at_us) = (id(10), "letter".to_owned(), MORNING_US);
        Command::Rule { order, ruling, reason, at_us }
    };
    let commands = vec![
        Command::Register(vec![charge(0)]),
        opened(10),
        done(10, Action::Submit),
        Command::Hear(posted),
        closed_from_elsewhere(),
        Command::Hear(numbers),
        Command::Hear(said(Said::Rejected, 3)),
        rule(Ruling::Rejected),
        opened(11),
        Command::Hear(said(Said::Settled, 4)),
        rule(Ruling::Posted),
    ];
    (commands, 4)
}

/// A return for which there was no money when its day was closed, because a refund had it; it has its share
/// since that was given up.
pub(super) fn returned_later() -> Story {
    let amount = |tiyn| Amount::new(tiyn).unwrap();
    let (order, original, at_us) = (id(20), id(10), MORNING_US);
    let refund = Refund {
        order,
        original,
        amount: amount(4_000),
        reason: "overpaid".to_owned(),
        opened_by: "portal".to_owned(),
        at_us,
        deadline_us: at_us + 1,
    };
    let returned = Report { amount: Some(amount(10_000)), ..heard(10, Said::Returned) };
    let commands = vec![
        Command::Register(vec![charge(0)]),
        opened(10),
        done(10, Action::Submit),
        Command::Hear(heard(10, Said::Posted)),
        Command::Refund(refund),
        Command::Return { order: id(31), report: returned },
        closed_from_elsewhere(),
        done(20, Action::Cancel),
    ];
    (commands, 6)
}

/// What was known of an order when its day was closed, what is known at the end, and the closing.
fn told((commands, place): Story, order: usize) -> (Known, Order, World) {
    let mut world = World::new();
    let mut known = None;
    for (number, command) in commands.into_iter().enumerate() {
        let reply = world.run(command);
        assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
        let order = world.book.orders().get(id(order).text()).cloned();
        known = if number == place { order.as_ref().map(now) } else { known };
    }
    let after = world.book.orders().remove(id(order).text()).unwrap();
    (known.unwrap(), after, world)
}

#[test]
fn what_came_to_be_known_later_was_not_known_at_the_closing() {
    let (known, after, world) = told(told_later(), 10);
    let closed_at_us = world.book.closings()[0].closed_at_us;
    assert_eq!(known, (State::Posted, Step::Submitting, None, None));
    let (document, txn_id) = (Some("D1".to_owned()), Some("T1".to_owned()));
    assert_eq!(now(&after), (State::Settled, Step::Surplus, document, txn_id));
    assert_eq!(then(&world, &after, closed_at_us), known);
    let (known, after, world) = told(returned_later(), 31);
    assert_eq!((known.0, after.state), (State::Conflict, State::Posted));
    assert_eq!(then(&world, &after, world.book.closings()[0].closed_at_us), known);
}

#[test]
fn a_number_that_is_older_than_moments_gets_none_later() {
    let mut world = World::new();
    let (commands, place) = told_later();
    let mut commands = commands.into_iter();
    for command in commands.by_ref().take(place + 2) {
        world.run(command);
    }
    let order = |world: &World| world.book.order(id(10).text()).unwrap().clone();
    let (numbered, version) = (order(&world), order(&world).version + 1);
    world.book.put_order(Order { document_at_us: None, txn_at_us: None, version, ..numbered });
    for command in commands {
        world.run(command);
    }
    let order = order(&world);
    assert_eq!((order.step, order.document_number.as_deref()), (Step::Surplus, Some("D1")));
    assert_eq!(
        (order.document_at_us, order.txn_at_us),
        (None, None),
        "a closed day told it already"
    );
}

#[test]
fn whoever_is_told_of_a_closed_day_is_told_at_once_whatever_clock_closed_it() {
    let mut world = World::new();
    let (commands, place) = told_later();
    let mut commands = commands.into_iter();
    for command in commands.by_ref().take(place + 1) {
        world.run(command);
    }
    for notice in world.book.notices() {
        let (notice, version, telling) = (notice.id, notice.version, Telling::Told);
        world.run(Command::Tell { notice, version, telling, at_us: MORNING_US });
    }
    for command in commands.take(2) {
        world.run(command);
    }
    let mut notices = world.book.notices();
    notices.retain(|notice| notice.state == State::Conflict);
    let due: Vec<i64> = notices.iter().map(|notice| notice.next_try_at_us).collect();
    assert_eq!(due, [MORNING_US; 2], "by the clock of the node that heard of it");
}
