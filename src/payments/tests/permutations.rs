//! I7: whatever order a bank's words come in, and however often, orders and balances end the same.

use super::World;
use super::history::{Chance, MORNING_US, SAID, charge, heard, id, payer};
use crate::payments::command::{About, Act, Command, Opening, Payee, Receipt, Report};
use crate::payments::order::Action;
use crate::payments::record::{Order, Source};
use qaqpa_kit::money::Amount;
use std::collections::BTreeMap;

const CASES: u64 = 20_000;

#[test]
fn any_order_and_repetition_of_a_banks_events_ends_in_the_same_state_and_ledger() {
    for seed in 0..CASES {
        let mut chance = Chance::new(seed ^ 0x5EED);
        let actions = path(&mut chance);
        let words: Vec<Report> = (0..1 + chance.below(6)).map(|n| report(&mut chance, n)).collect();
        let mut shuffled = words.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, chance.below(at + 1));
        }
        let again = shuffled[chance.below(shuffled.len())].clone();
        // Once as the same event, once as another event with the same words.
        shuffled.push(again.clone());
        shuffled.push(Report { event_id: "repeated".to_owned(), ..again });
        assert_eq!(end(&actions, &words), end(&actions, &shuffled), "seed {seed}: {words:?}");
    }
}

#[test]
fn what_is_said_before_its_order_is_known_ends_as_if_it_had_been_said_after() {
    for seed in 0..CASES {
        let mut chance = Chance::new(seed ^ 0xEA71);
        let is_taken = chance.one_in(2);
        let naming = if is_taken { taken() } else { opened() };
        let mut later: Vec<Command> = Vec::new();
        for number in 0..1 + chance.below(5) {
            let about = match chance.below(3) {
                0 => About::Order(id(10)),
                1 => About::EndToEnd(format!("GW{}", id(10).text().replace('-', ""))),
                _ => About::Txn("T1".to_owned()),
            };
            later.push(Command::Hear(Report { about, ..report(&mut chance, number) }));
        }
        // What the bank answers us names the payment that its other words speak of.
        let txn_id = Some("T1".to_owned());
        later.push(Command::Hear(Report { txn_id, ..report(&mut chance, 9) }));
        let mut early = later.clone();
        for at in (1..early.len()).rev() {
            early.swap(at, chance.below(at + 1));
        }
        early.insert(1 + chance.below(early.len()), naming.clone());
        later.insert(0, naming);
        let ends = |commands: &[Command]| {
            let mut world = World::new();
            world.run(Command::Register(vec![charge(0)]));
            for command in commands {
                world.run(command.clone());
            }
            where_it_lies(&world)
        };
        assert_eq!(ends(&later), ends(&early), "seed {seed}: {early:?}");
    }
}

fn opened() -> Command {
    Command::Open(Opening {
        order: id(10),
        charge: id(0),
        bank: "alpha".to_owned(),
        payer: payer(),
        opened_by: "portal".to_owned(),
        at_us: MORNING_US,
        deadline_us: MORNING_US + 60_000_000,
    })
}

/// The same order as money that the bank took itself, under its own name for it.
fn taken() -> Command {
    Command::Receive(Receipt {
        order: id(10),
        charge: id(0),
        bank: "alpha".to_owned(),
        txn_id: "T1".to_owned(),
        payer: None,
        amount: Amount::new(10_000).unwrap(),
        payee: Payee::default(),
        posted_at_us: MORNING_US,
        document_number: None,
        at_us: MORNING_US + 4_000_000,
        original_digest: "0".repeat(64),
    })
}

/// What we did before the bank was heard.
fn path(chance: &mut Chance) -> Vec<Action> {
    let paths: [&[Action]; 7] = [
        &[],
        &[Action::Submit],
        &[Action::Submit, Action::Sent],
        &[Action::Submit, Action::Lose],
        &[Action::Submit, Action::Withdraw],
        &[Action::Submit, Action::Sent, Action::Lose],
        &[Action::Cancel],
    ];
    chance.of(&paths).to_vec()
}

fn report(chance: &mut Chance, number: usize) -> Report {
    Report {
        event_id: format!("E{number}"),
        source: chance.of(&[Source::Answer, Source::Notice, Source::Inquiry, Source::Register]),
        amount: chance
            .one_in(2)
            .then(|| Amount::new(chance.of(&[10_000, 10_000, 10_000, 777])).unwrap()),
        posted_at_us: Some(MORNING_US),
        at_us: MORNING_US + 3_000_000,
        ..heard(10, chance.of(&SAID))
    }
}

/// The order's state and money, and the balances. Whether it still holds its charge is left out: a
/// rejection that came first has let it go, and perhaps somebody has paid it since.
fn end(actions: &[Action], words: &[Report]) -> (String, BTreeMap<String, i64>) {
    let mut world = World::new();
    world.run(Command::Register(vec![charge(0)]));
    world.run(opened());
    for action in actions {
        world.run(Command::Act(Act {
            order: id(10),
            action: *action,
            attempt: 1,
            node: "node".to_owned(),
            at_us: MORNING_US + 1_000_000,
            check_at_us: MORNING_US + 2_000_000,
        }));
    }
    for word in words {
        world.run(Command::Hear(word.clone()));
    }
    where_it_lies(&world)
}

fn where_it_lies(world: &World) -> (String, BTreeMap<String, i64>) {
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for transfer in world.book.transfers() {
        *balances.entry(transfer.debit.clone()).or_default() += transfer.amount_tiyn;
        *balances.entry(transfer.credit.clone()).or_default() -= transfer.amount_tiyn;
    }
    balances.retain(|_, balance| *balance != 0);
    let order = world.book.orders().remove(id(10).text()).unwrap();
    (facts(&order), balances)
}

fn facts(order: &Order) -> String {
    let Order { state, asset, claim, operating_day, .. } = order;
    format!("{state:?} {:?} {asset:?} {claim:?} {operating_day:?}", order.evidence())
}
