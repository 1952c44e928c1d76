//! Random histories: everything that agencies, payers, banks, operators and clocks may do, by a seed.

use super::BANKS;
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{
    About, Act, Applying, Command, Inquiry, Opening, Payee, Receipt, Redeeming, Refund, Report,
    Telling,
};
use crate::payments::order::{Action, Ruling, Said};
use crate::payments::record::{Charge, Id, Party, Source, Terms};
use qaqpa_kit::ids::{Bin, Iban, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;

/// 2026-11-25T05:00:00Z, ten in the morning in Astana.
pub(super) const MORNING_US: i64 = 1_795_582_800_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// The same numbers for the same seed (splitmix64).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

const NUMBERS: [Option<&str>; 5] = [None, None, Some("B1"), Some("B2"), Some("B3")];

pub(super) const SAID: [Said; 6] =
    [Said::Accepted, Said::Posted, Said::Settled, Said::Rejected, Said::NotFound, Said::Pending];

/// Charges 0 and 1, payments 10 to 14, refunds 20 to 22, returns 31 to 34, money that was applied 41 and 42.
pub(super) fn id(number: usize) -> Id {
    format!("018f0000-0000-7000-8000-0000000000{number:02}").parse().unwrap()
}

pub(super) fn payer() -> Party {
    Party::parse("900101300017").unwrap()
}

pub(super) fn charge(number: usize) -> Charge {
    let terms = Terms {
        agency: "agency".to_owned(),
        number: format!("N{number}"),
        payer: payer(),
        payee: Bin::parse("990140000017", true).unwrap(),
        tariff: None,
        kbk: Kbk::parse("108125").unwrap(),
        knp: Knp::parse("911").unwrap(),
        kbe: Kbe::parse("11").unwrap(),
        iban: Iban::parse("KZ24070105KSN0000000").unwrap(),
        amount: Amount::new([10_000, 25_050][number % 2]).unwrap(),
        purpose: Name {
            kk: "баж".to_owned(), ru: "пошлина".to_owned(), en: "duty".to_owned()
        },
        due_day: None,
    };
    Charge::new(id(number), terms, MORNING_US)
}

/// A bank's bare word of an order, heard in the morning.
pub(super) fn heard(order: usize, said: Said) -> Report {
    Report {
        bank: "alpha".to_owned(),
        event_id: format!("{order}/{said:?}"),
        about: About::Order(id(order)),
        said,
        source: Source::Notice,
        amount: None,
        document_number: None,
        txn_id: None,
        posted_at_us: None,
        at_us: MORNING_US,
        original_digest: "0".repeat(64),
        redirect_url: None,
        note: String::new(),
    }
}

/// One history: about fifteen commands on two charges, five payments and three refunds.
pub(super) fn commands(seed: u64) -> Vec<Command> {
    let mut chance = Chance::new(seed);
    let mut at_us = MORNING_US;
    let mut commands = vec![Command::Register(vec![charge(0), charge(1)])];
    // Most of what follows is about this one.
    commands.push(Command::Open(Opening {
        order: id(10),
        charge: id(0),
        bank: "alpha".to_owned(),
        payer: payer(),
        opened_by: "portal".to_owned(),
        at_us,
        deadline_us: at_us + HOUR_US,
    }));
    for _ in 0..8 + chance.below(14) {
        // Clocks run, jump ahead to another day, and sometimes step back.
        at_us += match chance.below(12) {
            0 => 25 * HOUR_US,
            1 => -HOUR_US,
            _ => i64::try_from(chance.below(90)).unwrap() * 1_000_000,
        };
        commands.push(command(&mut chance, at_us));
    }
    commands
}

fn command(chance: &mut Chance, at_us: i64) -> Command {
    match chance.below(28) {
        0..2 => Command::Open(opening(chance, at_us)),
        2..9 => Command::Act(act(chance, at_us)),
        9..15 => Command::Hear(report(chance, at_us)),
        15 => Command::Receive(receipt(chance, at_us)),
        16 => Command::Refund(Refund {
            order: id(20 + chance.below(3)),
            original: id(10 + chance.below(5)),
            amount: Amount::new(chance.of(&[1, 4_000, 10_000, 25_050])).unwrap(),
            reason: chance.of(&["overpaid", "overpaid", " "]).to_owned(),
            opened_by: "portal".to_owned(),
            at_us,
            deadline_us: at_us + HOUR_US,
        }),
        17 => Command::Rule {
            order: id(chance.of(&[10, 11, 12, 13, 14, 20, 21])),
            ruling: chance.of(&[Ruling::Posted, Ruling::Rejected]),
            reason: chance.of(&["the bank's letter 17", ""]).to_owned(),
            at_us,
        },
        18 => Command::Close {
            bank: chance.of(&BANKS).to_owned(),
            day: OperatingDay::of(jiff::civil::date(2026, 11, chance.of(&[25, 26, 27, 30]))),
            at_us,
        },
        19 => Command::Inquire(Inquiry {
            order: id(chance.of(&[10, 10, 11, 12, 20])),
            version: i64::try_from(1 + chance.below(6)).unwrap(),
            node: "node".to_owned(),
            at_us,
            until_us: chance.one_in(2).then_some(at_us + 30_000_000),
        }),
        20 => Command::Tell {
            notice: format!(
                "{}/{}/{}",
                id(chance.of(&[10, 10, 11])),
                2 + chance.below(5),
                chance.of(&["agency", "portal"])
            ),
            version: i64::try_from(1 + chance.below(4)).unwrap(),
            telling: chance.of(&[
                Telling::Begin { until_us: at_us + 10_000_000 },
                Telling::Begin { until_us: at_us + 20_000_000 },
                Telling::Told,
                Telling::Failed,
                Telling::Revive,
            ]),
            at_us,
        },
        21 => Command::Redeem(redeeming(chance, at_us)),
        22 => Command::Restore {
            order: id(chance.of(&[10, 10, 11, 12, 13, 14])),
            call: format!("C{}", chance.below(3)),
            at_us,
        },
        23..26 => {
            Command::Return { order: id(31 + chance.below(4)), report: returned(chance, at_us) }
        }
        26 => Command::Apply(applying(chance, at_us)),
        _ => Command::Annul {
            charge: id(chance.below(2)),
            agency: chance.of(&["agency", "another"]).to_owned(),
            at_us,
        },
    }
}

fn redeeming(chance: &mut Chance, at_us: i64) -> Redeeming {
    Redeeming {
        order: id(chance.of(&[10, 10, 11, 12, 13, 14, 20])),
        call: format!("C{}", chance.below(3)),
        participant: "portal".to_owned(),
        service: "extract".to_owned(),
        kbk: chance.of(&["108125", "108125", "108125", "204160"]).to_owned(),
        amount: Amount::new(chance.of(&[10_000, 10_000, 25_050])).unwrap(),
        at_us,
    }
}

fn applying(chance: &mut Chance, at_us: i64) -> Applying {
    Applying {
        order: id(41 + chance.below(2)),
        from: id(chance.of(&[10, 10, 11, 12, 13, 14, 20])),
        charge: id(chance.below(2)),
        reason: chance.of(&["paid twice", "paid twice", " "]).to_owned(),
        at_us,
    }
}

fn opening(chance: &mut Chance, at_us: i64) -> Opening {
    Opening {
        order: id(10 + chance.below(5)),
        charge: id(chance.below(2)),
        bank: chance.of(&["alpha", "alpha", "alpha", "beta", "nowhere"]).to_owned(),
        payer: payer(),
        opened_by: "portal".to_owned(),
        at_us,
        deadline_us: at_us + chance.of(&[HOUR_US, HOUR_US, 60_000_000, 0]),
    }
}

fn act(chance: &mut Chance, at_us: i64) -> Act {
    let actions = [
        Action::Submit,
        Action::Submit,
        Action::Submit,
        Action::Sent,
        Action::Lose,
        Action::Lose,
        Action::Withdraw,
        Action::Resubmit,
        Action::Cancel,
        Action::Expire,
    ];
    Act {
        order: id(chance.of(&[10, 10, 10, 10, 11, 12, 13, 14, 20, 21])),
        action: chance.of(&actions),
        attempt: chance.of(&[1, 1, 1, 2]),
        node: "node".to_owned(),
        at_us,
        check_at_us: at_us + 30_000_000,
    }
}

fn report(chance: &mut Chance, at_us: i64) -> Report {
    let number = chance.of(&[10, 10, 10, 10, 11, 12, 13, 14, 20, 21, 30]);
    let sources =
        [Source::Answer, Source::Notice, Source::Inquiry, Source::Register, Source::Operator];
    let about = match chance.below(4) {
        0 => About::Order(id(number)),
        1 => About::Txn(format!("T{}", chance.below(3))),
        _ => About::EndToEnd(format!("GW{}", id(number).text().replace('-', ""))),
    };
    Report {
        bank: chance.of(&["alpha", "alpha", "alpha", "alpha", "alpha", "beta"]).to_owned(),
        event_id: format!("E{}", chance.below(40)),
        about,
        said: chance.of(&SAID),
        source: chance.of(&sources),
        amount: chance.one_in(4).then(|| Amount::new(chance.of(&[10_000, 25_050, 4_000])).unwrap()),
        document_number: chance.one_in(4).then(|| format!("D{}", chance.below(3))),
        txn_id: chance.one_in(5).then(|| format!("T{}", chance.below(3))),
        posted_at_us: chance.one_in(2).then_some(at_us - 2 * HOUR_US),
        at_us,
        original_digest: format!("{:064x}", chance.below(1_000_000)),
        redirect_url: None,
        note: chance.of(&["seen in the register", "", "asked by telephone"]).to_owned(),
    }
}

fn returned(chance: &mut Chance, at_us: i64) -> Report {
    let number = chance.of(&[10, 10, 10, 11, 12, 13, 14, 20, 21, 30, 31]);
    let about = match chance.below(3) {
        0 => About::Order(id(number)),
        _ => About::EndToEnd(format!("GW{}", id(number).text().replace('-', ""))),
    };
    let amounts = [1, 3_000, 4_000, 4_000, 10_000, 10_000, 25_050];
    Report {
        about,
        said: chance.of(&[Said::Returned, Said::Credited, Said::Refunded]),
        amount: (!chance.one_in(12)).then(|| Amount::new(chance.of(&amounts)).unwrap()),
        document_number: chance.of(&NUMBERS).map(str::to_owned),
        ..report(chance, at_us)
    }
}

fn receipt(chance: &mut Chance, at_us: i64) -> Receipt {
    let charge = chance.below(2);
    let amounts = [10_000, 25_050];
    let amount = if chance.one_in(6) { 9_999 } else { amounts[charge] };
    Receipt {
        order: id(10 + chance.below(5)),
        charge: id(charge),
        bank: chance.of(&["alpha", "beta"]).to_owned(),
        txn_id: format!("T{}", chance.below(3)),
        payer: Some(payer()),
        payee: Payee::default(),
        amount: Amount::new(amount).unwrap(),
        posted_at_us: at_us + chance.of(&[0, -HOUR_US, 48 * HOUR_US]),
        document_number: chance.one_in(2).then(|| format!("D{}", chance.below(3))),
        at_us,
        original_digest: "0".repeat(64),
    }
}
