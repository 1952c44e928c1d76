//! What a call to a service costs, checked: a tariff that exists, or an amount on a budget code.

use super::inspector::Inspector;
use super::services::instead;
use crate::config::document::Document;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::{Agency, Paid, Price};
use qaqpa_kit::ids::{Bin, Kbk};
use qaqpa_kit::money::Amount;

/// What a call costs; the tariff itself is looked for when payments are known.
pub(super) fn paid(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    raw: &raw::Paid,
) -> Option<Paid> {
    let is_fixed = !raw.kbk.is_empty() || !raw.amount.is_empty();
    if is_fixed != raw.tariff.is_empty() {
        let wrong = "it costs either a tariff or an amount on a budget code";
        let cure = "write { tariff = \"ID\" }, or { kbk = \"108125\", amount = \"100.00\" }";
        inspector.error(place, wrong, cure);
        return None;
    }
    let payee = match raw.payee.as_str() {
        "" => None,
        text => {
            let Ok(payee) = Bin::parse(text, true) else {
                let wrong = format!("{text:?} is no BIN");
                inspector.error(&place.key("payee"), wrong, "write its twelve digits");
                return None;
            };
            Some(payee)
        }
    };
    if !is_fixed {
        return Some(Paid { price: Price::Tariff(raw.tariff.clone()), payee });
    }
    let (kbk, amount) = (Kbk::parse(&raw.kbk), Amount::parse(&raw.amount));
    if kbk.is_err() {
        let wrong = format!("{:?} is no budget code", raw.kbk);
        inspector.error(&place.key("kbk"), wrong, "write six digits, e.g. 108125");
    }
    if amount.is_err() {
        let cure = "write tenge with at most two decimals in quotes, more than 0";
        inspector.error(&place.key("amount"), format!("{:?} is no amount", raw.amount), cure);
    }
    Some(Paid { price: Price::Fixed { kbk: kbk.ok()?, amount: amount.ok()? }, payee })
}

/// A paid service needs payments to look at, and is not relayed.
pub(super) fn check(
    inspector: &mut Inspector<'_>,
    place: &Place<'_>,
    service: &raw::Service,
    payments: &Document<raw::Payments>,
) {
    let Some(paid) = &service.paid else { return };
    if !service.operation.is_empty() {
        let wrong = "what is relayed cannot be paid for";
        inspector.error(place, wrong, "delete this key, or the operations");
    }
    if payments.raw.bank.is_empty() && !payments.source.is_broken {
        let wrong = "payments.toml names no bank, so nothing can be paid here";
        inspector.error(place, wrong, "add a table [bank.ID] to payments.toml");
    }
    if !paid.tariff.is_empty() && !payments.raw.tariff.contains_key(&paid.tariff) {
        let known: Vec<&str> = payments.raw.tariff.keys().map(String::as_str).collect();
        let wrong = format!("payments.toml has no tariff {:?}", paid.tariff);
        let cure = instead(&paid.tariff, &known, "name a fee or duty of payments.toml");
        inspector.error(&place.key("tariff"), wrong, cure);
    }
}

/// A desk of the house needs what it works with.
pub(super) fn check_house(
    inspector: &mut Inspector<'_>,
    document: &Document<raw::Services>,
    payments: &Document<raw::Payments>,
) {
    let is_empty = payments.raw.bank.is_empty() && !payments.source.is_broken;
    for (id, raw) in &document.raw.agency {
        for (service, raw) in &raw.service {
            let place = document.source.top().key("agency").key(id).key("service").key(service);
            check(inspector, &place.key("paid"), raw, payments);
        }
        if raw.endpoint == Agency::HOUSE_PAYMENTS && is_empty {
            let place = document.source.top().key("agency").key(id).key("endpoint");
            let wrong = "payments.toml names no bank, so nothing can be paid here";
            inspector.error(&place, wrong, "add a table [bank.ID] to payments.toml");
        }
    }
}
