//! Money that pays no charge, led to one by an operator: once, all of it, as a payment of its own.
//!
//! The order under which it came stays what it is, for that is what the bank and its register know; its
//! money is then no longer there to be given back.

use super::open::{Sides, new_order};
use super::{Rules, changed, put, tell};
use crate::payments::book::{Book, Lookup};
use crate::payments::command::{Applying, Refusal, Reply};
use crate::payments::ledger::Claim;
use crate::payments::order::{Rank, State, Step};
use crate::payments::record::Order;

/// Opens the payment that takes the money of another one.
pub(super) fn apply(book: &mut Book, rules: &Rules, asked: &Applying) -> Result<Reply, Refusal> {
    if asked.reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    if book.order(asked.order.text()).is_some() {
        return Err(Refusal::Taken);
    }
    let mut from = book.order(asked.from.text()).ok_or(Refusal::NoOrder)?.clone();
    let is_idle = from.claim == Some(Claim::Suspense) && from.state != State::Conflict;
    if !is_idle || from.reverses.is_some() {
        return Err(Refusal::NoSurplus);
    }
    if from.returned_tiyn > 0 {
        return Err(Refusal::Returned);
    }
    let charge = book.charge(asked.charge.text()).ok_or(Refusal::NoCharge)?.clone();
    if charge.annulled_at_us.is_some() {
        return Err(Refusal::Annulled);
    }
    if (&charge.payee, &charge.kbk) != (&from.payee, &from.kbk) {
        return Err(Refusal::OtherPayee);
    }
    if charge.amount_tiyn != from.amount_tiyn {
        return Err(Refusal::OtherAmount);
    }
    if let Some(holder) = book.order_by(Lookup::Holder, charge.id.text()) {
        return Err(Refusal::Held(holder.state));
    }
    let bank = rules.banks.get(&from.bank).ok_or(Refusal::NoBank)?;
    let closed = book.window(&from.bank).and_then(|window| window.closed_through);
    let posted_at_us = from.posted_at_us.unwrap_or(asked.at_us);
    let sides =
        Sides { bank: &from.bank, payer: &from.payer, payee: &charge.payee, kbk: &charge.kbk };
    let order = Order {
        takes: Some(from.id.clone()),
        charge: Some(charge.id.clone()),
        step: Step::Applied,
        rank: from.rank.max(Rank::Posted),
        opened_at_us: asked.at_us,
        deadline_us: asked.at_us,
        posted_at_us: Some(posted_at_us),
        operating_day: Some(bank.window(posted_at_us, closed)),
        document_number: from.document_number.clone(),
        reason: asked.reason.clone(),
        agency: charge.agency.clone(),
        opened_by: from.opened_by.clone(),
        ..new_order(&asked.order, from.amount_tiyn, &sides)
    };
    let at = (asked.at_us, "applied");
    from.returned_tiyn = from.amount_tiyn;
    let from = put(book, rules, from, at);
    // Its state stays; whose charge it was hears all the same that the money is gone.
    tell::announce(book, rules, &from, at.1, at.0);
    Ok(changed(put(book, rules, order, at)))
}
