//! The rules of payments: a command and the book in, an answer and a changed book out. Pure.

mod apply;
mod early;
mod give;
mod hear;
mod money;
mod open;
mod redeem;
mod tell;
mod want;

pub(super) use early::recall;
pub(super) use open::after;

use super::book::{Book, Lookup};
use super::breaks;
use super::command::{Answered, Command, Key, Refusal, Reply, is_clean};
use super::ledger;
use super::record::{BankWindow, Change, Charge, Order, RequestKey, Transfer};
use crate::config::settings::{self, Bank};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A bank's clock may be this far ahead of ours; what it dates later counts as now.
const SKEW_US_MAX: i64 = 300_000_000;

/// No payment takes so long to arrive; a time before that is of a clock that was never set.
const AGE_US_MAX: i64 = 10 * 365 * 86_400_000_000;

/// What the rules need of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub banks: BTreeMap<String, Arc<Bank>>,
    pub inquiry_pause_max: Duration,
    pub not_found_min: u32,
    pub quiet: Duration,
    /// Participants that are told what becomes of payments.
    pub recipients: BTreeSet<String>,
    /// After each attempt to tell them, how long the next one waits; after these, none is made.
    pub notice_pauses: Vec<Duration>,
}

impl Rules {
    pub(super) fn new(settings: &settings::Payments) -> Self {
        Self {
            banks: settings.banks.clone(),
            inquiry_pause_max: settings.inquiry_pause_max,
            not_found_min: settings.not_found_min,
            quiet: settings.quiet,
            recipients: settings.recipients.keys().cloned().collect(),
            notice_pauses: settings.notice_pauses.clone(),
        }
    }
}

/// Makes the bytes that are kept for a key.
pub type Render = Box<dyn Fn(&Reply) -> Vec<u8> + Send>;

/// A command, and the key under which it is done once.
pub(super) struct Request {
    pub command: Command,
    pub key: Option<(Key, Render)>,
}

impl Request {
    /// Decides it, once for a key.
    pub(super) fn decide(&self, book: &mut Book, rules: &Rules) -> Answered {
        if !self.is_clean() {
            return Answered::Now(Reply::Refused(Refusal::Malformed), None);
        }
        let Some((key, render)) = &self.key else {
            return Answered::Now(decide(book, rules, &self.command), None);
        };
        if let Some(kept) = book.answer(&key.id()) {
            return if kept.digest == key.digest {
                Answered::Again(STANDARD.decode(&kept.answer).unwrap_or_default())
            } else {
                Answered::OtherBody
            };
        }
        let reply = decide(book, rules, &self.command);
        if matches!(reply, Reply::Refused(_)) {
            // Nothing happened: the same request may succeed another time.
            return Answered::Now(reply, None);
        }
        let answer = render(&reply);
        book.keep_answer(RequestKey {
            id: key.id(),
            digest: key.digest.clone(),
            answer: STANDARD.encode(&answer),
            answered_at_us: key.at_us,
        });
        Answered::Now(reply, Some(answer))
    }

    /// One request's texts must not fail the group that it is in.
    fn is_clean(&self) -> bool {
        let texts = self.key.iter().flat_map(|(key, _)| [&key.owner, &key.key, &key.digest]);
        self.command.is_clean() && texts.into_iter().all(|text| is_clean(text))
    }

    /// Closing a day counts what is stored, and runs write much: each is alone in its group.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.command, Command::Close { .. } | Command::Reconcile(_))
    }
}

/// Parts of a key of the store.
fn path(parts: &[&str]) -> String {
    parts.join("/")
}

fn decide(book: &mut Book, rules: &Rules, command: &Command) -> Reply {
    let decided = match command {
        Command::Register(charges) => register(book, charges),
        Command::Annul { charge, agency, at_us } => annul(book, charge.text(), agency, *at_us),
        Command::Open(opening) => open::open(book, rules, opening),
        Command::Receive(receipt) => open::receive(book, rules, receipt),
        Command::Act(act) => open::act(book, rules, act),
        Command::Inquire(inquiry) => open::inquire(book, rules, inquiry),
        Command::Hear(report) => hear::hear(book, rules, report),
        Command::Return { order, report } => give::give(book, rules, (order, report)),
        Command::Refund(refund) => money::refund(book, rules, refund),
        Command::Redeem(asked) => redeem::redeem(book, asked),
        Command::Restore { order, call, at_us } => {
            redeem::restore(book, rules, order, (call, *at_us))
        }
        Command::Rule { order, ruling, reason, at_us } => {
            money::rule(book, rules, order.text(), (*ruling, reason, *at_us))
        }
        Command::Apply(asked) => apply::apply(book, rules, asked),
        Command::Close { bank, day, at_us } => money::close(book, rules, (bank, *day), *at_us),
        Command::Tell { notice, version, telling, at_us } => {
            tell::tell(book, rules, (notice, *version), *telling, *at_us)
        }
        Command::Reconcile(command) => breaks::decide(book, rules, command),
        Command::Forget { before_us } => {
            book.forget(*before_us);
            Ok(Reply::Done)
        }
    };
    decided.unwrap_or_else(Reply::Refused)
}

fn register(book: &mut Book, charges: &[Charge]) -> Result<Reply, Refusal> {
    let mut names: Vec<&str> = charges.iter().map(|charge| charge.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let is_taken = |charge: &Charge| {
        book.charge(charge.id.text()).is_some() || book.charge_named(&charge.name).is_some()
    };
    if names.len() < charges.len() || charges.iter().any(is_taken) {
        return Err(Refusal::Taken);
    }
    for charge in charges {
        book.put_charge(charge.clone());
    }
    Ok(Reply::Done)
}

fn annul(book: &mut Book, id: &str, agency: &str, at_us: i64) -> Result<Reply, Refusal> {
    let charge = book.charge(id).filter(|charge| charge.agency == agency);
    let mut charge = charge.ok_or(Refusal::NoCharge)?.clone();
    if charge.annulled_at_us.is_some() {
        return Ok(Reply::Done);
    }
    if let Some(holder) = book.order_by(Lookup::Holder, id) {
        return Err(Refusal::Held(holder.state));
    }
    charge.annulled_at_us = Some(at_us);
    charge.version += 1;
    book.put_charge(charge);
    Ok(Reply::Done)
}

/// Writes an order as it is to be, and what follows for what it gives back, or is given back of it.
fn put(book: &mut Book, rules: &Rules, mut order: Order, at: (i64, &str)) -> Order {
    let did_hold = book.order(order.id.text()).map(|old| old.holds);
    order.derive();
    if did_hold == Some(false) && order.is_paid_back() {
        money::take_again(book, &mut order);
    }
    let order = write(book, rules, order, at);
    if did_hold == Some(true) && !order.holds {
        money::give_back(book, &order);
    }
    give::share_out(book, rules, order.reverses.as_ref().unwrap_or(&order.id), at);
    book.order(order.id.text()).cloned().unwrap_or(order)
}

/// Writes an order: its state and money by the tables, the transfers that bring its money there, and what
/// others are to be told.
fn write(book: &mut Book, rules: &Rules, mut order: Order, (now_us, cause): (i64, &str)) -> Order {
    let old = book.order(order.id.text()).cloned();
    let at_us = after_closing(book, &order, now_us);
    order.derive();
    // A number without a moment was known before moments were kept, and gets none.
    let is_new = |number: fn(&Order) -> &Option<String>| {
        number(&order).is_some() && old.as_ref().is_none_or(|old| number(old).is_none())
    };
    let (has_document, has_txn) = (is_new(|it| &it.document_number), is_new(|it| &it.txn_id));
    order.document_at_us = if has_document { Some(at_us) } else { order.document_at_us };
    order.txn_at_us = if has_txn { Some(at_us) } else { order.txn_at_us };
    order.version = old.as_ref().map_or(1, |old| old.version + 1);
    let from = old.as_ref().and_then(Order::accounts);
    for (number, (debit, credit)) in ledger::moves(from, order.accounts()).into_iter().enumerate() {
        book.transfer(Transfer {
            id: path(&[order.id.text(), &order.version.to_string(), &number.to_string()]),
            order_id: order.id.clone(),
            debit,
            credit,
            amount_tiyn: order.amount_tiyn,
            operating_day: order.operating_day,
            moved_at_us: at_us,
        });
    }
    if old.as_ref().map(|old| old.state) != Some(order.state) {
        order.changed_at_us = at_us;
        book.tell(Change {
            id: path(&[order.id.text(), &order.version.to_string()]),
            order_id: order.id.clone(),
            version: order.version,
            state: order.state,
            step: Some(order.step),
            cause: cause.to_owned(),
            changed_at_us: at_us,
        });
        tell::announce(book, rules, &order, cause, now_us);
    }
    book.put_order(order.clone());
    order
}

/// The moment of a change: of an order whose day is closed it is after the closing, whatever this node's
/// clock says, so that what was known then can be told for ever.
fn after_closing(book: &Book, order: &Order, at_us: i64) -> i64 {
    let window = book.window(&order.bank);
    let is_closed = |window: &&BankWindow| {
        order.operating_day.is_some_and(|day| Some(day) <= window.closed_through)
    };
    let closed_at_us = window.filter(is_closed).and_then(|window| window.closed_at_us);
    closed_at_us.map_or(at_us, |closed_at_us| at_us.max(closed_at_us.saturating_add(1)))
}

fn changed(order: Order) -> Reply {
    Reply::Order { order: Box::new(order), is_new: true, charge: None }
}

/// An order without a history, for tests.
#[cfg(test)]
pub(super) fn blank(
    id: &super::record::Id,
    tiyn: i64,
    bank: &str,
    party: &super::record::Party,
) -> Order {
    open::new_order(id, tiyn, &open::Sides { bank, payer: party, payee: party, kbk: "" })
}

fn unchanged(order: Order) -> Reply {
    Reply::Order { order: Box::new(order), is_new: false, charge: None }
}
