//! Rows of payments as callers see them; pure.

use crate::payments::calendar::{ASTANA, OperatingDay};
use crate::payments::ledger::Claim;
use crate::payments::order::State;
use crate::payments::record::{Charge, Order};
use jiff::Timestamp;
use qaqpa_adapters::payments::{wire, word_of};
use qaqpa_kit::wire::{Bin, Date, DateTime, Iin};

/// A charge with the orders that were ever made for it.
pub(super) fn charge(charge: &Charge, orders: &[Order]) -> wire::Charge {
    let counts = |order: &&Order| order.claim == Some(Claim::Payable);
    let paying: Vec<&Order> = orders.iter().filter(counts).collect();
    let suspended = orders.iter().filter(|order| order.claim == Some(Claim::Suspense));
    wire::Charge {
        charge_id: charge.id.to_string(),
        state: state(charge, orders).to_owned(),
        amount_tiyn: charge.amount_tiyn,
        paid_tiyn: paying.iter().map(|order| order.amount_tiyn).sum(),
        suspense_tiyn: suspended.map(|order| order.amount_tiyn - order.returned_tiyn).sum(),
        agency: charge.agency.clone(),
        number: charge.number.clone(),
        payer: Iin(charge.payer.digits().to_owned()),
        payee_bin: Bin(charge.payee.digits().to_owned()),
        tariff: charge.tariff.clone(),
        kbk: charge.kbk.clone(),
        knp: charge.knp.clone(),
        kbe: charge.kbe.clone(),
        iban: charge.iban.clone(),
        due_date: charge.due_day.map(|day| date(OperatingDay(day))),
        purpose: wire::Purpose {
            kk: charge.purpose_kk.clone(),
            ru: charge.purpose_ru.clone(),
            en: charge.purpose_en.clone(),
        },
        registered_at: moment(charge.registered_at_us),
        annulled_at: charge.annulled_at_us.map(moment),
        payments: paying.into_iter().map(payment).collect(),
    }
}

fn state(charge: &Charge, orders: &[Order]) -> &'static str {
    let holder = orders.iter().find(|order| order.holds);
    match holder {
        Some(holder) if holder.state == State::Conflict => "conflict",
        Some(holder) if holder.claim != Some(Claim::Payable) => "pending",
        Some(holder) if holder.returned_tiyn == holder.amount_tiyn => "refunded",
        Some(_) => "paid",
        None if charge.annulled_at_us.is_some() => "annulled",
        None => "open",
    }
}

/// An order.
pub(super) fn payment(order: &Order) -> wire::Payment {
    wire::Payment {
        payment_id: order.id.to_string(),
        charge_id: order.charge.as_ref().map(ToString::to_string),
        reverses: order.reverses.as_ref().map(ToString::to_string),
        takes: order.takes.as_ref().map(ToString::to_string),
        state: order.state.word().to_owned(),
        claim: order.claim.map(|claim| word_of(&claim)),
        amount_tiyn: order.amount_tiyn,
        returned_tiyn: order.returned_tiyn,
        bank: order.bank.clone(),
        payer: Iin(order.payer.digits().to_owned()),
        end_to_end_id: order.end_to_end_id.clone(),
        txn_id: order.txn_id.clone(),
        document_number: order.document_number.clone(),
        opened_at: moment(order.opened_at_us),
        posted_at: order.posted_at_us.map(moment),
        operating_day: order.operating_day.map(date),
        // Where nobody goes on any more there is no way on.
        redirect_url: order.redirect_url.clone().filter(|_| order.state.needs_inquiry()),
        reason: Some(order.reason.clone()).filter(|reason| !reason.is_empty()),
    }
}

/// RFC 3339 with milliseconds and the country's zone.
pub(super) fn moment(unix_us: i64) -> DateTime {
    let moment = Timestamp::from_microsecond(unix_us).unwrap_or(Timestamp::UNIX_EPOCH);
    let text = moment.to_zoned(ASTANA.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z");
    DateTime(text.to_string())
}

fn date(day: OperatingDay) -> Date {
    Date(day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::record::{Id, Party};

    #[test]
    fn a_payer_is_sent_on_while_there_is_something_to_pay() {
        let party = Party::parse("900101300017").expect("an IIN");
        let mut order = crate::payments::decide::blank(&Id::at(1_000), 100, "bank", &party);
        order.redirect_url = Some("https://bank.example/pay".to_owned());
        for state in State::ALL {
            order.state = state;
            let is_told = payment(&order).redirect_url.is_some();
            assert_eq!(is_told, state.needs_inquiry(), "{state:?}");
        }
    }
}
