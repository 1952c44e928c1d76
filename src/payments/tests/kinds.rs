//! What a payment proves, and what it does not though the price is right.

use super::history::{MORNING_US, charge, id, payer};
use crate::config::settings::{Paid, Price, Rate, Tariff, TariffKind};
use crate::payments::decide::blank;
use crate::payments::proof::{Kind, price_paid};
use crate::payments::record::{Charge, Order, Party};
use jiff::civil::date;
use qaqpa_kit::ids::{Bin, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use std::collections::BTreeMap;

const DAY_US: i64 = 86_400_000_000;

fn tariff(kbk: &str, tiyn: [i64; 2]) -> Tariff {
    let [before, after] = tiyn.map(|tiyn| Amount::new(tiyn).unwrap());
    let turn = date(2027, 1, 1);
    Tariff {
        kind: TariffKind::Fee,
        name: Name { kk: "алым".to_owned(), ru: "сбор".to_owned(), en: "fee".to_owned() },
        kbk: Kbk::parse(kbk).unwrap(),
        knp: Knp::parse("911").unwrap(),
        rates: vec![
            Rate { amount: before, from: date(2026, 1, 1), until: Some(turn) },
            Rate { amount: after, from: turn, until: None },
        ],
    }
}

/// Two fees that cost the same this year, one that costs more, and one on another code.
fn tariffs() -> BTreeMap<String, Tariff> {
    [
        ("extract", tariff("108125", [10_000, 11_000])),
        ("copy", tariff("108125", [10_000, 12_000])),
        ("licence", tariff("108125", [90_000, 91_000])),
        ("fine", tariff("204160", [90_000, 91_000])),
    ]
    .map(|(id, tariff)| (id.to_owned(), tariff))
    .into()
}

fn by(tariff: &str) -> Paid {
    Paid { price: Price::Tariff(tariff.to_owned()), payee: None }
}

/// A payment of so much after so many years, and the charge that it pays.
fn payment(kind: Option<&str>, tiyn: i64, years: i64) -> (Order, Charge) {
    let charge = Charge { tariff: kind.map(str::to_owned), amount_tiyn: tiyn, ..charge(0) };
    let payee = charge.payee.clone();
    let posted_at_us = Some(MORNING_US + years * 365 * DAY_US);
    let kbk = charge.kbk.clone();
    let order = Order { payee, kbk, posted_at_us, ..blank(&id(10), tiyn, "alpha", &payer()) };
    (order, charge)
}

fn proves((order, charge): &(Order, Charge), paid: &Paid) -> bool {
    let price = price_paid(order, Some(&Kind::from(charge)), paid, &tariffs());
    price.is_some_and(|(_, amount)| amount.tiyn() == order.amount_tiyn)
}

#[test]
fn a_payment_is_held_against_the_price_that_was_asked_or_that_of_its_day() {
    let extract = |tiyn, years| proves(&payment(Some("extract"), tiyn, years), &by("extract"));
    assert!(extract(10_000, 0) && extract(10_000, 1), "what was asked for is enough");
    assert!(extract(11_000, 1), "so is the price of the day");
    assert!(!extract(11_000, 0) && !extract(9_999, 1));
}

#[test]
fn a_payment_for_one_kind_never_proves_another_of_the_same_price() {
    let paid = payment(Some("extract"), 10_000, 0);
    assert!(proves(&paid, &by("extract")));
    assert!(!proves(&paid, &by("copy")), "it costs the same on the same code");
    let own =
        Price::Fixed { kbk: Kbk::parse("108125").unwrap(), amount: Amount::new(10_000).unwrap() };
    let own = Paid { price: own, payee: None };
    assert!(!proves(&paid, &own), "nor a price of a service's own");
    assert!(proves(&payment(None, 10_000, 0), &own));
}

#[test]
fn a_charge_that_names_no_kind_proves_one_only_where_no_other_costs_the_same() {
    let of_both = payment(None, 10_000, 0);
    assert!(!proves(&of_both, &by("extract")) && !proves(&of_both, &by("copy")));
    assert!(proves(&payment(None, 90_000, 0), &by("licence")), "the fine is on another code");
    assert!(proves(&payment(None, 11_000, 1), &by("extract")), "next year they differ");
}

#[test]
fn what_was_paid_to_another_payee_proves_nothing_where_the_payee_is_named() {
    let paid = payment(Some("extract"), 10_000, 0);
    let to = |bin: &str| {
        let payee = Some(Bin::parse(bin, true).unwrap());
        Paid { payee, ..by("extract") }
    };
    assert_eq!(paid.0.payee, Party::parse("990140000017").unwrap());
    assert!(proves(&paid, &to("990140000017")));
    assert!(!proves(&paid, &to("190540007715")));
}
