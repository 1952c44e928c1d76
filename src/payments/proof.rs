//! What a payment proves: that a fee, a duty or a price was paid, by its kind and to its payee.

use super::calendar::country_date;
use super::record::{Charge, Order, Party};
use crate::config::settings::{Paid, Price, Tariff};
use jiff::civil::Date;
use qaqpa_kit::ids::Kbk;
use qaqpa_kit::money::Amount;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a charge says of what its payment proves.
#[derive(Clone, Debug, Deserialize)]
pub struct Kind {
    /// The fee or duty that it was registered for.
    tariff: Option<String>,
    registered_at_us: i64,
}

impl From<&Charge> for Kind {
    fn from(charge: &Charge) -> Self {
        Self { tariff: charge.tariff.clone(), registered_at_us: charge.registered_at_us }
    }
}

/// A payment that may be a proof, and the kind of its charge.
#[derive(Clone, Debug, Deserialize)]
pub struct Found {
    #[serde(flatten)]
    pub order: Order,
    #[serde(flatten)]
    pub kind: Kind,
}

/// What it cost that a payment is held against: on the day its charge was registered, which names the
/// price that the payer was asked for, or on the day of the payment. `None`: another kind was paid, or
/// another payee, or it had no price then.
#[must_use]
pub fn price_paid(
    order: &Order,
    kind: Option<&Kind>,
    paid: &Paid,
    tariffs: &BTreeMap<String, Tariff>,
) -> Option<(Kbk, Amount)> {
    let is_to = paid.payee.is_none_or(|payee| Party::from(payee) == order.payee);
    if !is_to || !is_of_kind(order, kind, &paid.price, tariffs) {
        return None;
    }
    let is_paid = |price: &(Kbk, Amount)| price.1.tiyn() == order.amount_tiyn;
    let mut prices = days(order, kind).filter_map(|day| paid.price.on(day, tariffs));
    prices.find(is_paid)
}

/// When the price counts: as it was asked for, and as it was when it was paid.
fn days(order: &Order, kind: Option<&Kind>) -> impl Iterator<Item = Date> {
    let asked_at_us = kind.map(|kind| kind.registered_at_us);
    [asked_at_us, order.posted_at_us].into_iter().flatten().map(country_date)
}

/// A charge that was registered for a fee or duty proves that one alone. One that names none proves a
/// price of a service's own, and a fee or duty only where no other costs the same on the same code.
fn is_of_kind(
    order: &Order,
    kind: Option<&Kind>,
    price: &Price,
    tariffs: &BTreeMap<String, Tariff>,
) -> bool {
    let costs_the_same = |tariff: &Tariff| {
        let amount = |day| tariff.amount_on(day).map(Amount::tiyn);
        tariff.kbk.to_string() == order.kbk
            && days(order, kind).any(|day| amount(day) == Some(order.amount_tiyn))
    };
    match (kind.and_then(|kind| kind.tariff.as_ref()), price) {
        (Some(kind), Price::Tariff(id)) => kind == id,
        (Some(_), Price::Fixed { .. }) => false,
        (None, Price::Fixed { .. }) => true,
        (None, Price::Tariff(id)) => {
            !tariffs.iter().any(|(other, tariff)| other != id && costs_the_same(tariff))
        }
    }
}
