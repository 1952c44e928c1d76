//! Words about orders that nobody knows yet: each waits under the name that it speaks of, and is heard as soon as an order bears it.
//!
//! A bank may call back before its answer to us has come, or before its own `pay`: what it said then counts
//! as if it had been said a moment later, without being said again.

use super::open::{believed, end_to_end_id};
use super::{Request, hear, path};
use crate::payments::book::{Book, Lookup, Wanted};
use crate::payments::command::{About, Command, Report};
use crate::payments::record::{Heard, Id};
use qaqpa_kit::money::Amount;

/// Words that wait under one name; more of them are kept too, but heard only when the bank says them again.
const WAITING_MAX: usize = 64;

const END_TO_END: &str = "end_to_end";
const TXN: &str = "txn";

/// The name that a word speaks of, at its bank.
pub(super) fn name_of(bank: &str, about: &About) -> String {
    match about {
        About::Order(id) => path(&[bank, END_TO_END, &end_to_end_id(id)]),
        About::EndToEnd(id) => path(&[bank, END_TO_END, id]),
        About::Txn(id) => path(&[bank, TXN, id]),
    }
}

/// The bank and the order that a name speaks of.
fn read(name: &str) -> Option<(&str, About)> {
    let (bank, rest) = name.split_once('/')?;
    let about = match rest.split_once('/')? {
        (END_TO_END, id) => About::EndToEnd(id.to_owned()),
        (_, id) => About::Txn(id.to_owned()),
    };
    Some((bank, about))
}

/// What waits for the names that an order may get.
pub(super) fn want(wanted: &mut Wanted, bank: &str, order: &Id, txn_id: Option<&str>) {
    wanted.want(Lookup::Early, &path(&[bank, END_TO_END, &end_to_end_id(order)]));
    if let Some(txn_id) = txn_id {
        wanted.want(Lookup::Early, &path(&[bank, TXN, txn_id]));
    }
}

/// What waits for the same order as this word, and for the name that it brings.
pub(super) fn want_of_word(wanted: &mut Wanted, report: &Report) {
    wanted.want(Lookup::Early, &name_of(&report.bank, &report.about));
    if let Some(txn_id) = &report.txn_id {
        wanted.want(Lookup::Early, &path(&[&report.bank, TXN, txn_id]));
    }
}

/// Where a word without an order is to wait; `None`: too many do already.
pub(super) fn place(book: &Book, name: &str) -> Option<String> {
    let beside = book.waiting().filter(|heard| heard.name.as_deref() == Some(name));
    (beside.count() < WAITING_MAX).then(|| name.to_owned())
}

/// Whether this is the very word that waits under its event. One that waits without a name speaks of the
/// order that it speaks of when it is said again; another order's name under the same event is no word.
pub(super) fn is_same(book: &Book, event: &str, report: &Report) -> bool {
    let is_of = |name: &String| *name == name_of(&report.bank, &report.about);
    book.waits(event).is_some_and(|heard| heard.name.as_ref().is_none_or(is_of))
}

/// The earliest of the words whose order is known by now, to be heard before anything else.
pub(in crate::payments) fn recall(book: &Book) -> Option<Request> {
    let of_known = book.waiting().filter_map(|heard| {
        let (bank, about) = read(heard.name.as_deref()?)?;
        let order = hear::find(book, bank, &about)?;
        Some((heard, bank, about, order.changed_at_us))
    });
    let first =
        of_known.min_by(|(a, ..), (b, ..)| (a.heard_at_us, &a.id).cmp(&(b.heard_at_us, &b.id)));
    let (heard, bank, about, since_us) = first?;
    let command = Command::of_word(again(heard, bank, about, since_us));
    Some(Request { command, key: None })
}

/// The word as it was said. Its time of posting is judged by the clock that it was heard by.
fn again(heard: &Heard, bank: &str, about: About, since_us: i64) -> Report {
    let event_id = heard.id.strip_prefix(bank).and_then(|rest| rest.strip_prefix('/'));
    let posted_at_us = heard.posted_at_us.unwrap_or(heard.heard_at_us);
    Report {
        bank: bank.to_owned(),
        event_id: event_id.unwrap_or_default().to_owned(),
        about,
        said: heard.said,
        source: heard.source,
        amount: heard.amount_tiyn.and_then(|tiyn| Amount::new(tiyn).ok()),
        document_number: heard.document_number.clone(),
        txn_id: heard.txn_id.clone(),
        posted_at_us: Some(believed(posted_at_us, heard.heard_at_us)),
        at_us: heard.heard_at_us.max(since_us),
        original_digest: heard.original_digest.clone(),
        redirect_url: heard.redirect_url.clone(),
        note: heard.note.clone(),
    }
}
