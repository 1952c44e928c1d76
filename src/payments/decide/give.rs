//! Money that a bank gave back: a return of its own is an order of its own; a refund of ours is that refund.

use super::hear::{find, is_old, keep, learn, posting};
use super::open::{Sides, new_order};
use super::{Rules, changed, put, unchanged, write};
use crate::payments::book::Book;
use crate::payments::command::{Refusal, Reply, Report};
use crate::payments::ledger::Account;
use crate::payments::order::{Rank, Ruling, Said, Step};
use crate::payments::record::{Id, Order};
use qaqpa_kit::money::Amount;

/// Hears that so much of a payment went back. `id` is the order that opens where no refund of ours is
/// meant.
pub(super) fn give(
    book: &mut Book,
    rules: &Rules,
    (id, report): (&Id, &Report),
) -> Result<Reply, Refusal> {
    // Nobody can say for the bank how much of a payment it was.
    let amount = report.amount.filter(|_| report.said.goes_back()).ok_or(Refusal::Malformed)?;
    if !rules.banks.contains_key(&report.bank) {
        return Err(Refusal::NoBank);
    }
    let found = find(book, &report.bank, &report.about).cloned();
    if is_old(book, report, found.as_ref()) {
        return found.map(unchanged).ok_or(Refusal::NoOrder);
    }
    if book.order(id.text()).is_some() {
        return Err(Refusal::Taken);
    }
    let Some(order) = found else {
        keep(book, report, None);
        return Err(Refusal::NoOrder);
    };
    if order.reverses.is_some() {
        return Ok(of_refund(book, rules, order, report));
    }
    let refund = own_refund(book, &order, report, amount);
    // What went back had come; its own numbers are not the payment's.
    let told = Report { amount: None, document_number: None, txn_id: None, ..report.clone() };
    let payment = learn(book, rules, order.clone(), &told);
    let at = (report.at_us, "returned");
    let Some(refund) = refund else {
        let payment = if payment == order { payment } else { put(book, rules, payment, at) };
        return Ok(open(book, rules, payment, (id, report, amount)));
    };
    keep(book, report, Some(&refund.id));
    let refund = learn(book, rules, refund, &told);
    let refund = put(book, rules, refund, at);
    if payment != order {
        let returned_tiyn = book.order(payment.id.text()).map(|now| now.returned_tiyn);
        let returned_tiyn = returned_tiyn.unwrap_or(payment.returned_tiyn);
        put(book, rules, Order { returned_tiyn, ..payment }, at);
    }
    Ok(changed(book.order(refund.id.text()).cloned().unwrap_or(refund)))
}

/// A refund's own booking, or its end: what was given back came back.
fn of_refund(book: &mut Book, rules: &Rules, refund: Order, report: &Report) -> Reply {
    let was = refund.clone();
    let refund = if report.said == Said::Returned {
        keep(book, report, Some(&refund.id));
        // The numbers are those of the booking that takes the other one back.
        let told = Report { document_number: None, txn_id: None, ..report.clone() };
        let known = learn(book, rules, refund, &told);
        let told = Report { said: Said::Rejected, amount: None, ..told };
        learn(book, rules, known, &told)
    } else {
        let told = Report { said: Said::Posted, ..report.clone() };
        keep(book, &told, Some(&refund.id));
        learn(book, rules, refund, &told)
    };
    if refund == was {
        return unchanged(was);
    }
    changed(put(book, rules, refund, (report.at_us, "returned")))
}

/// The refund of ours that the bank may mean: of this amount, not given up before anything was sent, and
/// no such word was taken for it yet. What is known of it does not matter, so that words may come in any
/// order.
fn own_refund(book: &Book, payment: &Order, report: &Report, amount: Amount) -> Option<Order> {
    if report.said != Said::Refunded {
        // A booking under the payment's id is none of a refund's, which has an id of its own.
        return None;
    }
    let may_be = |order: &Order| {
        !matches!(order.step, Step::Returned | Step::Cancelled | Step::Expired)
            && order.amount_tiyn == amount.tiyn()
            && !book.is_refunded(&order.id)
    };
    let is_named = |order: &Order| report.txn_id.is_some() && order.txn_id == report.txn_id;
    let refunds: Vec<Order> = book.reversing(&payment.id).into_iter().filter(may_be).collect();
    refunds.iter().find(|order| is_named(order)).or(refunds.first()).cloned()
}

/// Opens a return: posted by the word that tells of it, with its share of the payment where there is so
/// much to give back. Two that nothing tells apart may be one that was told twice.
fn open(
    book: &mut Book,
    rules: &Rules,
    mut payment: Order,
    (id, report, amount): (&Id, &Report, Amount),
) -> Reply {
    let is_twin = book.reversing(&payment.id).iter().any(|other| {
        other.step == Step::Returned
            && other.amount_tiyn == amount.tiyn()
            && other.document_number == report.document_number
    });
    let room = room(book, &payment, amount.tiyn());
    let sides = Sides {
        bank: &payment.bank,
        payer: &payment.payer,
        payee: &payment.payee,
        kbk: &payment.kbk,
    };
    let mut order = Order {
        reverses: Some(payment.id.clone()),
        step: Step::Returned,
        rank: Rank::Posted,
        is_disputed: is_twin,
        holds: room.is_some(),
        opened_at_us: report.at_us,
        deadline_us: report.at_us,
        document_number: report.document_number.clone(),
        source: Some(source(&payment)),
        reason: report.note.clone(),
        agency: payment.agency.clone(),
        opened_by: payment.opened_by.clone(),
        ..new_order(id, amount.tiyn(), &sides)
    };
    if let Some((posted_at_us, day)) = posting(book, rules, &order, report) {
        (order.posted_at_us, order.operating_day) = (Some(posted_at_us), Some(day));
    }
    if let Some(returned) = room {
        payment.returned_tiyn = returned;
        payment.version += 1;
        book.put_order(payment);
    }
    keep(book, report, Some(&order.id));
    changed(put(book, rules, order, (report.at_us, "returned")))
}

/// What a payment has given back with so much more; `None` where it has not so much, or is a proof that
/// was used.
fn room(book: &Book, payment: &Order, amount_tiyn: i64) -> Option<i64> {
    let has_money = payment.claimed().is_some() && !book.is_used(payment.id.text());
    let returned = payment.returned_tiyn.checked_add(amount_tiyn).filter(|_| has_money)?;
    (returned <= payment.amount_tiyn).then_some(returned)
}

/// The account that the payment's money lies on; where there is none, nothing is moved.
fn source(payment: &Order) -> String {
    let nowhere = || Account::Suspense(payment.bank.clone());
    payment.claimed().unwrap_or_else(nowhere).to_string()
}

/// Lets the returns of a payment have their shares, the oldest first, as far as it has money, and take
/// them from where that lies now: so it does not matter what was heard first.
pub(super) fn share_out(book: &mut Book, rules: &Rules, payment: &Id, at: (i64, &str)) {
    let Some(mut payment) = book.order(payment.text()).cloned() else { return };
    let (before, source) = (payment.returned_tiyn, source(&payment));
    let has_money = payment.claimed().is_some();
    for old in book.reversing(&payment.id) {
        if old.step != Step::Returned || old.ruling == Some(Ruling::Rejected) {
            continue;
        }
        let mut order = Order { source: Some(source.clone()), ..old.clone() };
        if old.holds && !has_money {
            order.holds = false;
            payment.returned_tiyn -= order.amount_tiyn;
        } else if !old.holds
            && let Some(returned) = room(book, &payment, order.amount_tiyn)
        {
            order.holds = true;
            payment.returned_tiyn = returned;
        }
        if order != old {
            write(book, rules, order, at);
        }
    }
    if payment.returned_tiyn != before {
        payment.version += 1;
        book.put_order(payment);
    }
}
