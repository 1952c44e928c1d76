//! What a word of a bank or an operator changes: evidence is kept always, and joined.

use super::early;
use super::open::{after, believed, key_of_document};
use super::{Rules, changed, path, put, unchanged};
use crate::payments::book::{Book, Lookup};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{About, Refusal, Reply, Report};
use crate::payments::order::{self, Evidence, Rank, Said};
use crate::payments::record::{Heard, Id, Joined, Order, Source};

/// The order that is spoken of; a bank speaks of its own orders only.
pub(super) fn find<'b>(book: &'b Book, bank: &str, about: &About) -> Option<&'b Order> {
    let found = match about {
        About::Order(id) => book.order(id.text()),
        About::EndToEnd(id) => book.order_by(Lookup::EndToEnd, id),
        About::Txn(id) => book.order_by(Lookup::Txn, &path(&[bank, id])),
    };
    found.filter(|order| order.bank == bank)
}

/// The moment and the day of the posting: fixed by the first word of it, for ever.
pub(super) fn posting(
    book: &Book,
    rules: &Rules,
    order: &Order,
    report: &Report,
) -> Option<(i64, OperatingDay)> {
    if let (Some(posted_at_us), Some(day)) = (order.posted_at_us, order.operating_day) {
        return Some((posted_at_us, day));
    }
    if order.rank.max(Evidence::of(report.said).rank) < Rank::Posted {
        return None;
    }
    let posted_at_us = believed(report.posted_at_us.unwrap_or(report.at_us), report.at_us);
    let closed = book.window(&report.bank).and_then(|window| window.closed_through);
    Some((posted_at_us, rules.banks.get(&report.bank)?.window(posted_at_us, closed)))
}

pub(super) fn hear(book: &mut Book, rules: &Rules, report: &Report) -> Result<Reply, Refusal> {
    if !rules.banks.contains_key(&report.bank) {
        return Err(Refusal::NoBank);
    }
    if report.source == Source::Operator && report.note.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    if report.said.goes_back() {
        // It may open an order.
        return Err(Refusal::Malformed);
    }
    let found = find(book, &report.bank, &report.about).cloned();
    if is_old(book, report, found.as_ref()) {
        return found.map(unchanged).ok_or(Refusal::NoOrder);
    }
    keep(book, report, found.as_ref().map(|order| &order.id));
    let old = found.ok_or(Refusal::NoOrder)?;
    let order = learn(book, rules, old.clone(), report);
    if order == old {
        return Ok(unchanged(old));
    }
    let cause = match report.source {
        Source::Answer => "answer",
        Source::Notice => "notice",
        Source::Inquiry => "inquiry",
        Source::Register => "register",
        Source::Operator => "operator",
    };
    Ok(changed(put(book, rules, order, (report.at_us, cause))))
}

fn event_of(report: &Report) -> String {
    path(&[&report.bank, &report.event_id])
}

/// Whether there is nothing to learn from it: it was heard before, and does not wait for this order.
pub(super) fn is_old(book: &Book, report: &Report, found: Option<&Order>) -> bool {
    let event = event_of(report);
    book.has_heard(&event) && !(found.is_some() && early::is_same(book, &event, report))
}

/// Keeps a word as it was said, of this order; one that waited has found it.
pub(super) fn keep(book: &mut Book, report: &Report, order: Option<&Id>) {
    let event = event_of(report);
    if let Some(order) = order.filter(|_| early::is_same(book, &event, report)) {
        let joined = Joined { id: event, order_id: order.clone(), joined_at_us: report.at_us };
        return book.join(joined, report.said);
    }
    let (name, txn_id, redirect_url) = match order {
        Some(_) => (None, None, None),
        None => {
            let name = early::place(book, &early::name_of(&report.bank, &report.about));
            (name, report.txn_id.clone(), report.redirect_url.clone())
        }
    };
    book.hear(Heard {
        id: event,
        order_id: order.cloned(),
        said: report.said,
        source: report.source,
        amount_tiyn: report.amount.map(|amount| amount.tiyn()),
        document_number: report.document_number.clone(),
        posted_at_us: report.posted_at_us,
        heard_at_us: report.at_us,
        original_digest: report.original_digest.clone(),
        note: report.note.clone(),
        name,
        txn_id,
        redirect_url,
    });
}

/// The order with what was said joined to what was known.
pub(super) fn learn(book: &Book, rules: &Rules, mut order: Order, report: &Report) -> Order {
    let mut known = order.heard().join(Evidence::of(report.said));
    known.is_disputed |= report.amount.is_some_and(|amount| amount.tiyn() != order.amount_tiyn);
    if let Some((posted_at_us, day)) = posting(book, rules, &order, report) {
        order.posted_at_us = Some(posted_at_us);
        order.operating_day = Some(day);
        if let Some(document) = &report.document_number {
            let key = key_of_document(rules, &order.bank, document, (posted_at_us, day));
            known.is_disputed |= !match key {
                Some(key) => name(book, &mut order, Lookup::Document, (document, key)),
                None => order.document_number.get_or_insert_with(|| document.clone()) == document,
            };
        }
    }
    if let Some(txn_id) = &report.txn_id {
        let key = path(&[&order.bank, txn_id]);
        known.is_disputed |= !name(book, &mut order, Lookup::Txn, (txn_id, key));
    }
    if order.redirect_url.is_none() {
        order.redirect_url.clone_from(&report.redirect_url);
    }
    if order.ruling.is_some_and(|ruling| ruling.is_shaken(order.heard(), known)) {
        order.ruling = None;
    }
    Evidence { rank: order.rank, is_rejected: order.is_rejected, is_disputed: order.is_disputed } =
        known;
    schedule(&mut order, rules, report);
    order
}

/// Takes on the bank's document number or id of the payment; false where it contradicts one that the
/// order has, or another order has this one.
fn name(book: &Book, order: &mut Order, kind: Lookup, (text, key): (&str, String)) -> bool {
    let holder = book.order_by(kind, &key).map(|holder| holder.id.clone());
    let (own_text, own_key) = match kind {
        Lookup::Document => (&mut order.document_number, &mut order.document_key),
        _ => (&mut order.txn_id, &mut order.txn_key),
    };
    match (&*own_key, holder) {
        (Some(own), _) if *own != key => false,
        // Without a key it has the number all the same: another order's, or one of a return.
        (None, _) if own_text.as_deref().is_some_and(|own| own != text) => false,
        (_, Some(holder)) => holder == order.id,
        (_, None) => {
            *own_text = Some(text.to_owned());
            *own_key = Some(key);
            true
        }
    }
}

/// When the bank is to be asked next: inquiries that bring nothing grow rarer.
fn schedule(order: &mut Order, rules: &Rules, report: &Report) {
    let state = order::state(order.step, order.evidence(), order.ruling);
    if !state.needs_inquiry() {
        return;
    }
    let brings_nothing = matches!(report.said, Said::NotFound | Said::Pending);
    if brings_nothing {
        order.not_found = if report.said == Said::NotFound { order.not_found + 1 } else { 0 };
        order.inquiries += 1;
    } else if state != order.state {
        (order.inquiries, order.not_found) = (0, 0);
    } else {
        return;
    }
    let pause = order::inquiry_pause(order.inquiries, rules.inquiry_pause_max);
    order.next_check_at_us = Some(after(report.at_us, pause));
}
