//! The rows that a group of commands needs, in memory: read once, decided on, written once.
//!
//! A store fills the book by [`Lookup`]s, the pure rules change it, and the store writes what
//! changed. A row is written only if it still has the version that was read.

mod lookup;
#[cfg(test)]
mod seen;
mod shelf;

pub(super) use lookup::{Lookup, Wanted};
pub(super) use shelf::Shelf;

use super::order::Said;
use super::record::{
    BankWindow, Change, Charge, Closing, Heard, Id, Joined, Notice, Order, Redemption, RequestKey,
    Transfer,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A row and the version that the store holds; `None`: not there yet.
#[derive(Debug)]
struct Tracked<T> {
    row: T,
    stored: Option<i64>,
    is_changed: bool,
}

impl<T> Tracked<T> {
    fn read(row: T, version: i64) -> Self {
        Self { row, stored: Some(version), is_changed: false }
    }
}

/// What one statement writes.
pub(super) enum Write {
    Insert {
        table: &'static str,
        rows: Vec<Value>,
    },
    /// Each row only where the store still has this version.
    Update {
        table: &'static str,
        rows: Vec<Value>,
        versions: Vec<i64>,
    },
    /// Answers older than this, some of them.
    Forget {
        before_us: i64,
    },
}

/// The working set of one group.
#[derive(Debug, Default)]
pub(super) struct Book {
    charges: BTreeMap<String, Tracked<Charge>>,
    orders: BTreeMap<String, Tracked<Order>>,
    windows: BTreeMap<String, Tracked<BankWindow>>,
    redemptions: BTreeMap<String, Tracked<Redemption>>,
    /// Charge names, and the unique keys of orders: what they lead to.
    charge_names: HashMap<String, String>,
    order_keys: HashMap<(Lookup, String), String>,
    evidence: HashSet<String>,
    /// Of that, the words that have no order yet.
    waiting: BTreeMap<String, Heard>,
    /// Refunds that a bank's word of money that went back was taken for.
    refunded: HashSet<String>,
    keys: HashMap<String, RequestKey>,
    notices: BTreeMap<String, Tracked<Notice>>,
    totals: Vec<Closing>,
    forget_before_us: Option<i64>,
    new_evidence: Vec<Heard>,
    new_joins: Vec<Joined>,
    new_transfers: Vec<Transfer>,
    new_changes: Vec<Change>,
    new_keys: Vec<RequestKey>,
    new_closings: Vec<Closing>,
    /// Reconciliation's own.
    pub(super) shelf: Shelf,
}

impl Book {
    /// Takes in a row that a store has read.
    pub(super) fn absorb(&mut self, lookup: Lookup, row: Value) -> Result<(), serde_json::Error> {
        match lookup {
            Lookup::Window | Lookup::WindowToClose => {
                let row: BankWindow = serde_json::from_value(row)?;
                let version = row.version;
                self.windows.entry(row.id.clone()).or_insert(Tracked::read(row, version));
            }
            Lookup::Charge | Lookup::ChargeName => {
                let row: Charge = serde_json::from_value(row)?;
                self.charge_names.insert(row.name.clone(), row.id.text().to_owned());
                let (id, version) = (row.id.text().to_owned(), row.version);
                self.charges.entry(id).or_insert(Tracked::read(row, version));
            }
            Lookup::Redemption => {
                let row: Redemption = serde_json::from_value(row)?;
                let (id, version) = (row.id.text().to_owned(), row.version);
                self.redemptions.entry(id).or_insert(Tracked::read(row, version));
            }
            Lookup::Evidence | Lookup::Early => {
                let has_order = row.get("joined").is_some_and(|order| !order.is_null());
                let row: Heard = serde_json::from_value(row)?;
                let is_fresh = self.evidence.insert(row.id.clone());
                if is_fresh && !has_order && row.order_id.is_none() {
                    self.waiting.insert(row.id.clone(), row);
                }
            }
            Lookup::Refunded => {
                let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
                self.refunded.insert(id.to_owned());
            }
            Lookup::Key => {
                let row: RequestKey = serde_json::from_value(row)?;
                self.keys.insert(row.id.clone(), row);
            }
            Lookup::Notice | Lookup::Untold => {
                let row: Notice = serde_json::from_value(row)?;
                let version = row.version;
                self.notices.entry(row.id.clone()).or_insert(Tracked::read(row, version));
            }
            Lookup::Run => self.shelf.absorb_run(row)?,
            Lookup::Break => self.shelf.absorb_break(row)?,
            Lookup::RegisterFile => self.shelf.absorb_file(row)?,
            Lookup::Totals => self.totals.push(serde_json::from_value(row)?),
            Lookup::Holder
            | Lookup::Order
            | Lookup::EndToEnd
            | Lookup::Txn
            | Lookup::Document
            | Lookup::Reversing => {
                let row: Order = serde_json::from_value(row)?;
                // What was decided since stands, where rows are read again for a kept word.
                if self.order(row.id.text()).is_none() {
                    self.index(&row);
                    let (id, version) = (row.id.text().to_owned(), row.version);
                    self.orders.insert(id, Tracked::read(row, version));
                }
            }
        }
        Ok(())
    }

    fn index(&mut self, order: &Order) {
        let id = order.id.text();
        let mut note = |lookup, key: &str| {
            self.order_keys.insert((lookup, key.to_owned()), id.to_owned());
        };
        note(Lookup::EndToEnd, &order.end_to_end_id);
        for (lookup, key) in
            [(Lookup::Txn, &order.txn_key), (Lookup::Document, &order.document_key)]
        {
            if let Some(key) = key {
                note(lookup, key);
            }
        }
        if let Some(charge) = &order.charge {
            if order.holds {
                note(Lookup::Holder, charge.text());
            } else if self.key_of(Lookup::Holder, charge.text()) == Some(id) {
                self.order_keys.remove(&(Lookup::Holder, charge.text().to_owned()));
            }
        }
    }

    fn key_of(&self, lookup: Lookup, key: &str) -> Option<&str> {
        self.order_keys.get(&(lookup, key.to_owned())).map(String::as_str)
    }

    pub(super) fn charge(&self, id: &str) -> Option<&Charge> {
        self.charges.get(id).map(|tracked| &tracked.row)
    }

    pub(super) fn charge_named(&self, name: &str) -> Option<&Charge> {
        self.charge(self.charge_names.get(name)?)
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.get(id).map(|tracked| &tracked.row)
    }

    /// The order that a unique key leads to.
    pub(super) fn order_by(&self, lookup: Lookup, key: &str) -> Option<&Order> {
        self.order(self.key_of(lookup, key)?)
    }

    pub(super) fn window(&self, bank: &str) -> Option<&BankWindow> {
        self.windows.get(bank).map(|tracked| &tracked.row)
    }

    pub(super) fn redemption(&self, order: &str) -> Option<&Redemption> {
        self.redemptions.get(order).map(|tracked| &tracked.row)
    }

    /// Whether an order is the proof for a call.
    pub(super) fn is_used(&self, order: &str) -> bool {
        self.redemption(order).is_some_and(|redemption| redemption.call.is_some())
    }

    /// What gives a payment back, oldest first, where it was asked for.
    pub(super) fn reversing(&self, payment: &Id) -> Vec<Order> {
        let orders = self.orders.values().map(|tracked| &tracked.row);
        orders.filter(|order| order.reverses.as_ref() == Some(payment)).cloned().collect()
    }

    /// Whether a bank's word of money that went back was taken for this refund.
    pub(super) fn is_refunded(&self, refund: &Id) -> bool {
        self.refunded.contains(refund.text())
    }

    pub(super) fn has_heard(&self, event: &str) -> bool {
        self.evidence.contains(event)
    }

    pub(super) fn answer(&self, key: &str) -> Option<&RequestKey> {
        self.keys.get(key)
    }

    /// What each open day of a bank holds, by day.
    pub(super) fn totals(&self, bank: &str) -> impl Iterator<Item = &Closing> {
        self.totals.iter().filter(move |total| total.bank == bank)
    }

    pub(super) fn put_charge(&mut self, charge: Charge) {
        let id = charge.id.text().to_owned();
        self.charge_names.insert(charge.name.clone(), id.clone());
        put(&mut self.charges, id, charge);
    }

    pub(super) fn put_order(&mut self, order: Order) {
        self.index(&order);
        put(&mut self.orders, order.id.text().to_owned(), order);
    }

    pub(super) fn put_window(&mut self, window: BankWindow) {
        put(&mut self.windows, window.id.clone(), window);
    }

    pub(super) fn put_redemption(&mut self, redemption: Redemption) {
        put(&mut self.redemptions, redemption.id.text().to_owned(), redemption);
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        self.evidence.insert(heard.id.clone());
        if heard.order_id.is_none() {
            self.waiting.insert(heard.id.clone(), heard.clone());
        }
        if let Some(order) = &heard.order_id {
            self.note_refund(heard.said, order);
        }
        self.new_evidence.push(heard);
    }

    /// Words that have no order yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Heard> {
        self.waiting.values()
    }

    /// The word of this event, if it has no order yet.
    pub(super) fn waits(&self, event: &str) -> Option<&Heard> {
        self.waiting.get(event)
    }

    /// A word that waited has found its order, and says this of it.
    pub(super) fn join(&mut self, joined: Joined, said: Said) {
        self.note_refund(said, &joined.order_id);
        self.waiting.remove(&joined.id);
        self.new_joins.push(joined);
    }

    fn note_refund(&mut self, said: Said, order: &Id) {
        if said == Said::Refunded {
            self.refunded.insert(order.text().to_owned());
        }
    }

    /// Whether a word is kept now of which nobody knows the order.
    pub(super) fn keeps_early(&self) -> bool {
        self.new_evidence.iter().any(|heard| self.waiting.contains_key(&heard.id))
    }

    pub(super) fn transfer(&mut self, transfer: Transfer) {
        self.new_transfers.push(transfer);
    }

    pub(super) fn tell(&mut self, change: Change) {
        self.new_changes.push(change);
    }

    pub(super) fn notice(&self, id: &str) -> Option<&Notice> {
        self.notices.get(id).map(|tracked| &tracked.row)
    }

    /// The earliest of an order's notices that this participant was not told.
    pub(super) fn next_notice(&self, order: &str, recipient: &str) -> Option<&Notice> {
        let name = format!("{order}/");
        let of_it = self.notices.range(name.clone()..).take_while(|(id, _)| id.starts_with(&name));
        let untold = of_it
            .map(|(_, tracked)| &tracked.row)
            .filter(|notice| notice.recipient == recipient && notice.told_at_us.is_none());
        untold.min_by_key(|notice| notice.order_version)
    }

    pub(super) fn put_notice(&mut self, notice: Notice) {
        put(&mut self.notices, notice.id.clone(), notice);
    }

    pub(super) fn forget(&mut self, before_us: i64) {
        self.forget_before_us = self.forget_before_us.max(Some(before_us));
    }

    pub(super) fn keep_answer(&mut self, key: RequestKey) {
        self.keys.insert(key.id.clone(), key.clone());
        self.new_keys.push(key);
    }

    pub(super) fn close(&mut self, closing: Closing) {
        self.new_closings.push(closing);
    }

    /// Whether something was written that the clerk looks for: an order to be looked after, or a notice.
    pub(super) fn leaves_work(&self) -> bool {
        let is_looked_after =
            |order: &Tracked<Order>| order.is_changed && order.row.next_check_at_us.is_some();
        self.orders.values().any(is_looked_after)
            || self.notices.values().any(|notice| notice.is_changed)
    }

    /// What is to be written. Updates go first: what they let go, inserts may take.
    pub(super) fn writes(&self) -> Result<Vec<Write>, serde_json::Error> {
        let mut writes = Vec::new();
        let mut inserts = Vec::new();
        // What a use lets go may go back in the same group, and what is paid in it may be used.
        let (freed, used): (Vec<_>, Vec<_>) =
            self.redemptions.values().partition(|tracked| tracked.row.call.is_none());
        split("redemption", freed, &mut writes, &mut inserts)?;
        split("bank_window", self.windows.values(), &mut writes, &mut inserts)?;
        split("charge", self.charges.values(), &mut writes, &mut inserts)?;
        split("payment_order", self.orders.values(), &mut writes, &mut inserts)?;
        split("notice", self.notices.values(), &mut writes, &mut inserts)?;
        split("redemption", used, &mut writes, &mut inserts)?;
        self.shelf.writes(&mut writes)?;
        writes.append(&mut inserts);
        writes.extend(self.forget_before_us.map(|before_us| Write::Forget { before_us }));
        writes.push(insert("order_evidence", &self.new_evidence)?);
        writes.push(insert("evidence_joined", &self.new_joins)?);
        writes.push(insert("transfer", &self.new_transfers)?);
        writes.push(insert("order_change", &self.new_changes)?);
        writes.push(insert("request_key", &self.new_keys)?);
        writes.push(insert("closing", &self.new_closings)?);
        writes.retain(|write| match write {
            Write::Insert { rows, .. } | Write::Update { rows, .. } => !rows.is_empty(),
            Write::Forget { .. } => true,
        });
        Ok(writes)
    }
}

fn put<T>(rows: &mut BTreeMap<String, Tracked<T>>, id: String, row: T) {
    let stored = rows.get(&id).and_then(|tracked| tracked.stored);
    rows.insert(id, Tracked { row, stored, is_changed: true });
}

fn insert<T: Serialize>(table: &'static str, rows: &[T]) -> Result<Write, serde_json::Error> {
    let rows = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(Write::Insert { table, rows })
}

/// Changed rows: those that the store has, and those that are new to it.
fn split<'t, T: Serialize + 't>(
    table: &'static str,
    tracked: impl IntoIterator<Item = &'t Tracked<T>>,
    updates: &mut Vec<Write>,
    inserts: &mut Vec<Write>,
) -> Result<(), serde_json::Error> {
    let (mut old, mut versions, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for tracked in tracked.into_iter().filter(|tracked| tracked.is_changed) {
        let row = serde_json::to_value(&tracked.row)?;
        match tracked.stored {
            Some(version) => {
                old.push(row);
                versions.push(version);
            }
            None => new.push(row),
        }
    }
    updates.push(Write::Update { table, rows: old, versions });
    inserts.push(Write::Insert { table, rows: new });
    Ok(())
}
