//! I7: whatever order a bank's words come in, and however often, orders and balances end the same.

use super::World;
use super::history::{Chance, MORNING_US, SAID, charge, heard, id, payer};
use crate::payments::command::{About, Act, Command, Opening, Payee, Receipt, Refund, Report};
use crate::payments::order::{Action, Said};
use crate::payments::record::{Order, Source};
use qaqpa_kit::money::Amount;
use std::collections::BTreeMap;

const CASES: u64 = 20_000;

#[test]
fn any_order_and_repetition_of_a_banks_events_ends_in_the_same_state_and_ledger() {
    for seed in 0..CASES {
        let mut chance = Chance::new(seed ^ 0x5EED);
        let actions = path(&mut chance);
        let mut words: Vec<Report> =
            (0..1 + chance.below(6)).map(|n| report(&mut chance, n)).collect();
        words.extend((0..chance.below(3)).map(|number| returned(&mut chance, number)));
        let mut shuffled = words.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, chance.below(at + 1));
        }
        let again = shuffled[chance.below(shuffled.len())].clone();
        // Once as the same event, once as another event with the same words.
        shuffled.push(again.clone());
        // Of money that went back, that may be a second time: see `returns`.
        if !again.said.goes_back() {
            shuffled.push(Report { event_id: "repeated".to_owned(), ..again });
        }
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
            // All that goes back fits into the payment.
            let word = if number < 3 && chance.one_in(3) {
                returned(&mut chance, number)
            } else {
                report(&mut chance, number)
            };
            later.push(Command::of_word(Report { about, ..word }));
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

#[test]
fn of_a_refund_and_of_money_that_went_back_it_does_not_matter_what_is_heard_first() {
    for seed in 0..CASES / 4 {
        let mut chance = Chance::new(seed ^ 0xBACC);
        let mut words: Vec<Report> = (0..1 + chance.below(5))
            .map(|number| match chance.below(3) {
                0 => report(&mut chance, number),
                1 => returned(&mut chance, number),
                _ => Report {
                    event_id: format!("R{number}"),
                    at_us: MORNING_US + 3_000_000,
                    ..heard(20, chance.of(&[Said::Accepted, Said::Posted, Said::Rejected]))
                },
            })
            .collect();
        // No more than there is: which of two that are too much is left over, the first one says.
        while words.iter().filter(|word| word.said.goes_back()).count() > 2 {
            let at = words.iter().position(|word| word.said.goes_back()).unwrap();
            words.remove(at);
        }
        let mut shuffled = words.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, chance.below(at + 1));
        }
        if let Some(again) = shuffled.first().cloned() {
            shuffled.push(again);
        }
        let actions = [Action::Submit, Action::Sent];
        let refund = Some(3_000);
        let ends = [&words, &shuffled].map(|words| end_with(&actions, refund, words));
        assert_eq!(ends[0], ends[1], "seed {seed}: {words:?}");
    }
}

/// The bank says that some of it went back; each return has its own amount, or a number.
fn returned(chance: &mut Chance, number: usize) -> Report {
    Report {
        event_id: format!("B{number}"),
        amount: Some(Amount::new(chance.of(&[2_000, 3_000])).unwrap()),
        document_number: Some(format!("B{number}")),
        at_us: MORNING_US + 3_000_000,
        ..heard(10, chance.of(&[Said::Returned, Said::Credited, Said::Refunded]))
    }
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
    end_with(actions, None, words)
}

/// The same with a refund that was asked for once the payment was posted, and that the bank has.
fn end_with(
    actions: &[Action],
    refund: Option<i64>,
    words: &[Report],
) -> (String, BTreeMap<String, i64>) {
    let mut world = World::new();
    world.run(Command::Register(vec![charge(0)]));
    world.run(opened());
    for action in actions {
        world.run(Command::Act(act(10, *action)));
    }
    if let Some(tiyn) = refund {
        world.run(Command::Hear(Report { event_id: "P".to_owned(), ..heard(10, Said::Posted) }));
        world.run(Command::Refund(Refund {
            order: id(20),
            original: id(10),
            amount: Amount::new(tiyn).unwrap(),
            reason: "asked".to_owned(),
            opened_by: "portal".to_owned(),
            at_us: MORNING_US + 1_000_000,
            deadline_us: MORNING_US + 60_000_000,
        }));
        for action in [Action::Submit, Action::Sent] {
            world.run(Command::Act(act(20, action)));
        }
    }
    for (number, word) in words.iter().enumerate() {
        world.run(if word.said.goes_back() {
            Command::Return { order: id(31 + number), report: word.clone() }
        } else {
            Command::Hear(word.clone())
        });
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
    let orders = world.book.orders();
    let of_it = orders.values().filter(|order| order.reverses.is_some());
    let mut told: Vec<String> =
        of_it.map(|one| format!("{} {} {}", facts(one), one.amount_tiyn, one.holds)).collect();
    told.sort_unstable();
    let order = &orders[id(10).text()];
    (format!("{} {} {told:?}", facts(order), order.returned_tiyn), balances)
}

fn act(number: usize, action: Action) -> Act {
    Act {
        order: id(number),
        action,
        attempt: 1,
        node: "node".to_owned(),
        at_us: MORNING_US + 1_000_000,
        check_at_us: MORNING_US + 2_000_000,
    }
}

fn facts(order: &Order) -> String {
    let Order { state, asset, claim, operating_day, .. } = order;
    format!("{state:?} {:?} {asset:?} {claim:?} {operating_day:?}", order.evidence())
}
