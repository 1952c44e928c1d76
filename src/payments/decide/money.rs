//! Refunds, an operator's rulings, and the closing of operating days.

use super::open::{Sides, first_check, new_order};
use super::{Rules, changed, put};
use crate::payments::book::{Book, Lookup};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{Refund, Refusal, Reply};
use crate::payments::order::{Ruling, State, Step};
use crate::payments::record::{BankWindow, Closing, Order};

/// Opens a refund: an order of its own, linked to the payment, whose sum of refunds grows with it.
pub(super) fn refund(book: &mut Book, rules: &Rules, refund: &Refund) -> Result<Reply, Refusal> {
    if refund.reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    if book.order(refund.order.text()).is_some() {
        return Err(Refusal::Taken);
    }
    let mut original = book.order(refund.original.text()).ok_or(Refusal::NoOrder)?.clone();
    let claimed = original
        .claimed()
        .filter(|_| original.state != State::Conflict && original.reverses.is_none());
    let source = claimed.ok_or(Refusal::NotRefundable)?;
    if book.is_used(original.id.text()) {
        return Err(Refusal::Used);
    }
    let returned = original.returned_tiyn.checked_add(refund.amount.tiyn());
    let returned = returned.filter(|sum| *sum <= original.amount_tiyn).ok_or(Refusal::TooMuch)?;
    original.returned_tiyn = returned;
    // It goes back the way it came.
    let sides = Sides {
        bank: &original.bank,
        payer: &original.payer,
        payee: &original.payee,
        kbk: &original.kbk,
    };
    let order = Order {
        reverses: Some(original.id.clone()),
        opened_at_us: refund.at_us,
        deadline_us: refund.deadline_us,
        source: Some(source.to_string()),
        reason: refund.reason.clone(),
        agency: original.agency.clone(),
        opened_by: refund.opened_by.clone(),
        next_check_at_us: Some(first_check(
            rules,
            &original.bank,
            (refund.at_us, refund.deadline_us),
        )),
        ..new_order(&refund.order, refund.amount.tiyn(), &sides)
    };
    put(book, rules, original, (refund.at_us, "refund"));
    Ok(changed(put(book, rules, order, (refund.at_us, "opened"))))
}

/// A refund that came to nothing gives its share of the payment back.
pub(super) fn give_back(book: &mut Book, refund: &Order) {
    let Some(original) = &refund.reverses else { return };
    let Some(mut payment) = book.order(original.text()).cloned() else { return };
    payment.returned_tiyn -= refund.amount_tiyn;
    payment.version += 1;
    book.put_order(payment);
}

/// A refund that had come to nothing was paid nevertheless: it takes its share again. Where others have
/// taken that meanwhile, or a service was given for the payment, more goes out than came in, and an operator
/// must hear of it.
pub(super) fn take_again(book: &mut Book, refund: &mut Order) {
    let Some(original) = &refund.reverses else { return };
    let Some(mut payment) = book.order(original.text()).cloned() else { return };
    let returned = payment.returned_tiyn.checked_add(refund.amount_tiyn);
    let is_used = book.is_used(payment.id.text());
    match returned.filter(|sum| *sum <= payment.amount_tiyn && !is_used) {
        Some(returned) => {
            payment.returned_tiyn = returned;
            payment.version += 1;
            book.put_order(payment);
            refund.holds = true;
        }
        None => {
            refund.is_disputed = true;
            refund.derive();
        }
    }
}

/// An operator ends a contradiction, with a reason.
pub(super) fn rule(
    book: &mut Book,
    rules: &Rules,
    id: &str,
    (ruling, reason, at_us): (Ruling, &str, i64),
) -> Result<Reply, Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    let mut order = book.order(id).ok_or(Refusal::NoOrder)?.clone();
    if order.state != State::Conflict {
        return Err(Refusal::NotNow(order.state));
    }
    let bank = rules.banks.get(&order.bank).ok_or(Refusal::NoBank)?;
    if ruling == Ruling::Posted {
        if order.operating_day.is_none() {
            let closed = book.window(&order.bank).and_then(|window| window.closed_through);
            order.posted_at_us = Some(at_us);
            order.operating_day = Some(bank.window(at_us, closed));
        }
        let is_given_up = matches!(order.step, Step::Cancelled | Step::Expired);
        if order.charge.is_some() && !order.holds && !is_given_up {
            // Its charge was let go. Where another has it now, the money waits in suspense.
            if is_free(book, &order) { order.holds = true } else { order.step = Step::Surplus }
        }
    }
    order.ruling = Some(ruling);
    order.reason = reason.to_owned();
    Ok(changed(put(book, rules, order, (at_us, "ruling"))))
}

/// Whether the order's charge is still to be paid, and nobody is paying it.
fn is_free(book: &Book, order: &Order) -> bool {
    let Some(charge) = &order.charge else { return false };
    let is_wanted = book.charge(charge.text()).is_some_and(|it| it.annulled_at_us.is_none());
    is_wanted && book.order_by(Lookup::Holder, charge.text()).is_none()
}

/// Closes a day and all before it: what they hold is fixed, and later postings go into the next.
pub(super) fn close(
    book: &mut Book,
    rules: &Rules,
    (bank, day): (&str, OperatingDay),
    at_us: i64,
) -> Result<Reply, Refusal> {
    let calendar = rules.banks.get(bank).ok_or(Refusal::NoBank)?;
    let window = book.window(bank).ok_or(Refusal::NoBank)?;
    if window.closed_through.is_some_and(|closed| day <= closed) {
        return Err(Refusal::Taken);
    }
    if calendar.operating_day(at_us) <= day || !calendar.is_operating(day.date()) {
        return Err(Refusal::NotDue);
    }
    let (version, before_us) = (window.version + 1, window.closed_at_us);
    let mut closings: Vec<Closing> =
        book.totals(bank).filter(|total| total.operating_day <= day).cloned().collect();
    if closings.last().is_none_or(|last| last.operating_day < day) {
        closings.push(Closing {
            id: format!("{bank}/{}", day.0),
            bank: bank.to_owned(),
            operating_day: day,
            orders: 0,
            paid_tiyn: 0,
            returned_tiyn: 0,
            closed_at_us: at_us,
        });
    }
    // After everything that is known now, also by a clock that is ahead of this one.
    let known_us = closings.iter().map(|closing| closing.closed_at_us).max();
    let closed_at_us = at_us.max(known_us.max(before_us).unwrap_or(at_us));
    let mut last = None;
    for closing in closings {
        let closing = Closing { closed_at_us, ..closing };
        book.close(closing.clone());
        last = Some(closing);
    }
    let (id, closed_through) = (bank.to_owned(), Some(day));
    book.put_window(BankWindow { id, closed_through, closed_at_us: Some(closed_at_us), version });
    last.map(|closing| Reply::Closed(Box::new(closing))).ok_or(Refusal::NotDue)
}
