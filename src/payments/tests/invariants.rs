//! The histories themselves, and the invariants that hold after every single command.

use super::history::{Chance, commands};
use super::model::Model;
use super::{BANKS, World};
use crate::payments::command::{Command, Reply};
use crate::payments::order::{Action, Rank, State, Step};
use crate::payments::record::{Closing, Order};
use std::collections::BTreeMap;

/// Histories in all; four tests share them, so that they run beside each other.
const HISTORIES: u64 = 100_000;

#[test]
fn the_first_quarter_of_histories_breaks_no_invariant() {
    run(0);
}

#[test]
fn the_second_quarter_of_histories_breaks_no_invariant() {
    run(1);
}

#[test]
fn the_third_quarter_of_histories_breaks_no_invariant() {
    run(2);
}

#[test]
fn the_last_quarter_of_histories_breaks_no_invariant() {
    run(3);
}

fn run(quarter: u64) {
    let mut seen: BTreeMap<State, u64> = BTreeMap::new();
    for seed in (quarter * HISTORIES / 4)..((quarter + 1) * HISTORIES / 4) {
        let result = std::panic::catch_unwind(|| history(seed));
        let states =
            result.unwrap_or_else(|_| panic!("history with seed {seed} broke an invariant"));
        for state in states {
            *seen.entry(state).or_default() += 1;
        }
    }
    // A generator that never reaches a state proves nothing of it.
    for state in State::ALL {
        assert!(seen.get(&state).is_some_and(|count| *count > 50), "{state:?}: {seen:?}");
    }
}

/// Runs one history; the states that its orders ended in.
fn history(seed: u64) -> Vec<State> {
    let mut world = World::new();
    let mut model = Model::default();
    let mut before: BTreeMap<String, Order> = BTreeMap::new();
    let mut closings: Vec<Closing> = Vec::new();
    let mut chance = Chance::new(!seed);
    for command in commands(seed) {
        let reply = world.run(command.clone());
        model.follow(&command, &reply);
        // Most refusals leave nothing to look at; some are looked at nevertheless.
        if matches!(reply, Reply::Refused(_)) && !chance.one_in(4) {
            continue;
        }
        let after = world.book.orders();
        model.recall(&after, &world.book.heard());
        moves_forward(&command, &reply, &before, &after);
        as_the_model_says(&model, &after);
        if let Reply::Closed(_) = reply {
            closings = world.book.closings().to_vec();
        }
        windows_hold(&closings, &after);
        // I5, without a key: the same command again changes no order, whatever it says.
        if chance.one_in(8) && is_repeatable(&command) {
            world.run(command);
            let again = world.book.orders();
            assert_eq!(again.len(), after.len());
            let facts = |orders: &BTreeMap<String, Order>| -> Vec<(State, i64, i64)> {
                orders.values().map(|o| (o.state, o.amount_tiyn, o.returned_tiyn)).collect()
            };
            assert_eq!(facts(&again), facts(&after), "a repetition changed something");
        }
        before = after;
    }
    ledger_balances(&world, &model, &before);
    told_in_order(&world, &before);
    before.values().map(|order| order.state).collect()
}

/// Attempts are never repeated by anybody, so their commands are not either.
fn is_repeatable(command: &Command) -> bool {
    match command {
        Command::Act(act) => matches!(act.action, Action::Cancel | Action::Expire),
        Command::Register(_) => false,
        _ => true,
    }
}

/// I1, I4, I6, I12: what may change, and by what.
fn moves_forward(
    command: &Command,
    reply: &Reply,
    before: &BTreeMap<String, Order>,
    after: &BTreeMap<String, Order>,
) {
    for (id, new) in after {
        let Some(old) = before.get(id) else { continue };
        if old == new {
            continue;
        }
        assert!(!matches!(reply, Reply::Refused(_)), "a refusal had an effect");
        assert!(new.version > old.version && new.attempt >= old.attempt);
        assert_eq!(new.end_to_end_id, old.end_to_end_id);
        let may_take = new.reverses.is_some() || matches!(command, Command::Rule { .. });
        assert!(may_take || new.holds <= old.holds, "what was let go was taken again");
        if old.state.is_final() && new.state != old.state {
            assert_eq!(new.state, State::Conflict, "a final state changed");
        }
        for (was, is) in [(&old.document_number, &new.document_number), (&old.txn_id, &new.txn_id)]
        {
            assert!(was.is_none() || was == is, "a number was changed");
        }
        if let (Some(was), Some(is)) = (old.operating_day, new.operating_day) {
            assert_eq!(was, is, "a window was changed");
        }
        assert!(old.operating_day.is_none() || new.operating_day.is_some());
        let is_ended = new.state != old.state
            && matches!(new.state, State::Posted | State::Settled | State::Rejected);
        let speaks = matches!(
            command,
            Command::Hear(_) | Command::Receive(_) | Command::Return { .. } | Command::Rule { .. }
        );
        // A return was posted by the word that opened it, whenever it gets its share.
        let was_told = old.step == Step::Returned && old.rank >= Rank::Posted;
        assert!(!is_ended || speaks || was_told, "an outcome without evidence");
        // By its step: a ruling may end a contradiction about one that had expired before.
        if new.step == Step::Expired && old.step != Step::Expired {
            assert_eq!(old.step, Step::Reserved, "expired after an attempt");
        }
        if let Command::Act(act) = command
            && act.action == Action::Resubmit
        {
            let since_us = act.at_us - old.attempted_at_us.unwrap();
            assert!(old.not_found >= 2 && since_us >= 60_000_000, "sent again too soon");
        }
        let leaves_unknown = old.state == State::Unknown && new.state != State::Unknown;
        let resubmits = matches!(command, Command::Act(act) if act.action == Action::Resubmit);
        assert!(!leaves_unknown || speaks || resubmits, "Unknown was left by silence");
    }
}

/// The state of every order, who holds a charge, and what refunds take, by the model.
fn as_the_model_says(model: &Model, after: &BTreeMap<String, Order>) {
    assert_eq!(model.fates.len(), after.len());
    let mut holders: BTreeMap<&str, u32> = BTreeMap::new();
    for (id, order) in after {
        let fate = &model.fates[id];
        assert_eq!(order.state, fate.state(), "{id}: {fate:?}");
        if fate.is_return {
            assert_eq!(order.holds, fate.has_share, "{id}: {fate:?}");
        }
        if fate.is_return && fate.has_share {
            let payment = &model.fates[order.reverses.as_ref().unwrap().text()];
            assert_eq!(order.source, Some(payment.owed()), "it takes from where the money lies");
        }
        if let Some(charge) = fate.charge.as_deref().filter(|_| order.holds) {
            *holders.entry(charge).or_default() += 1;
        }
    }
    assert!(holders.values().all(|count| *count == 1), "I4: two orders hold one charge");
    for (id, order) in after {
        let sum = model.taken(id);
        assert_eq!(order.returned_tiyn, sum, "I8: refunds of {id}");
        assert!(sum <= order.amount_tiyn, "I8: more than was paid");
    }
}

/// I9: every posting is in one window; a closed one holds what it held.
fn windows_hold(closings: &[Closing], after: &BTreeMap<String, Order>) {
    for order in after.values() {
        let has_arrived = order
            .accounts()
            .is_some_and(|_| order.asset.is_some_and(|asset| format!("{asset:?}") != "Pending"));
        assert!(!has_arrived || order.operating_day.is_some(), "money without a window");
    }
    for closing in closings {
        let inside = after.values().filter(|order| {
            // What was led to another charge is counted where it came.
            order.bank == closing.bank
                && order.takes.is_none()
                && order.operating_day == Some(closing.operating_day)
        });
        let (mut orders, mut paid, mut returned) = (0, 0, 0);
        for order in inside {
            orders += 1;
            *if order.reverses.is_some() { &mut returned } else { &mut paid } += order.amount_tiyn;
        }
        let counted = (closing.orders, closing.paid_tiyn, closing.returned_tiyn);
        assert_eq!(counted, (orders, paid, returned), "I9: {}", closing.id);
    }
}

/// I3: the ledger is the sum of where each order's money is, and pending is the exposure.
fn ledger_balances(world: &World, model: &Model, after: &BTreeMap<String, Order>) {
    let mut ledger: BTreeMap<String, i64> = BTreeMap::new();
    for transfer in world.book.transfers() {
        assert!(transfer.amount_tiyn > 0 && transfer.debit != transfer.credit);
        *ledger.entry(transfer.debit.clone()).or_default() += transfer.amount_tiyn;
        *ledger.entry(transfer.credit.clone()).or_default() -= transfer.amount_tiyn;
    }
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for (id, fate) in &model.fates {
        for (account, amount) in fate.balances(after[id].source.as_deref()) {
            *expected.entry(account).or_default() += amount;
        }
    }
    for bank in BANKS {
        let pending = ledger.get(&format!("pending:{bank}")).copied().unwrap_or(0);
        let exposed = after.values().filter(|order| {
            order.bank == bank
                && order.reverses.is_none()
                && order.asset.is_some_and(|asset| format!("{asset:?}") == "Pending")
        });
        assert_eq!(pending, exposed.map(|order| order.amount_tiyn).sum::<i64>(), "I3: exposure");
    }
    assert_eq!(ledger.values().sum::<i64>(), 0, "I3: the ledger does not sum to zero");
    ledger.retain(|_, balance| *balance != 0);
    expected.retain(|_, balance| *balance != 0);
    assert_eq!(ledger, expected, "I3: balances");
}

/// I13: every change of state is told once, in the order of versions; I14: originals as they came.
fn told_in_order(world: &World, after: &BTreeMap<String, Order>) {
    let mut last: BTreeMap<&str, (i64, State)> = BTreeMap::new();
    for change in world.book.changes() {
        let id = change.order_id.text();
        if let Some((version, state)) = last.insert(id, (change.version, change.state)) {
            assert!(change.version > version && change.state != state, "I13: {id}");
        }
    }
    for (id, order) in after {
        assert_eq!(last[id.as_str()].1, order.state, "I13: {id} was not told of");
    }
    // I13: whoever is concerned is told of every end and every posting, by its own event.
    let told = world.book.notices();
    for change in world.book.changes() {
        let is_told =
            change.state.is_final() || matches!(change.state, State::Posted | State::Conflict);
        let of_it = told.iter().filter(|notice| notice.event_id() == change.id);
        let concerned = usize::from(!after[change.order_id.text()].opened_by.is_empty()) + 1;
        assert_eq!(of_it.count(), if is_told { concerned } else { 0 }, "I13: {}", change.id);
    }
    for heard in world.book.heard() {
        assert_eq!(heard.original_digest.len(), 64, "I14");
    }
}
