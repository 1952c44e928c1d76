//! What tests see of a book that holds a whole history.

use super::{Book, Closing, Heard, Notice, Order, Transfer};
use crate::payments::record::Change;
use std::collections::BTreeMap;

impl Book {
    pub(in crate::payments) fn orders(&self) -> BTreeMap<String, Order> {
        self.orders.iter().map(|(id, order)| (id.clone(), order.row.clone())).collect()
    }

    pub(in crate::payments) fn transfers(&self) -> &[Transfer] {
        &self.new_transfers
    }

    pub(in crate::payments) fn changes(&self) -> &[Change] {
        &self.new_changes
    }

    /// In the order of their orders' changes.
    pub(in crate::payments) fn notices(&self) -> Vec<Notice> {
        let mut all: Vec<Notice> = self.notices.values().map(|one| one.row.clone()).collect();
        all.sort_by(|a, b| {
            (&a.order_id, a.order_version, &a.recipient).cmp(&(
                &b.order_id,
                b.order_version,
                &b.recipient,
            ))
        });
        all
    }

    /// Each word with the order that it found.
    pub(in crate::payments) fn heard(&self) -> Vec<Heard> {
        let mut all = self.new_evidence.clone();
        for heard in &mut all {
            let joined = self.new_joins.iter().find(|joined| joined.id == heard.id);
            heard.order_id = heard.order_id.take().or(joined.map(|one| one.order_id.clone()));
        }
        all
    }

    pub(in crate::payments) fn closings(&self) -> &[Closing] {
        &self.new_closings
    }

    /// What a store counts of the open days of a bank.
    pub(in crate::payments) fn count_totals(&mut self, bank: &str) {
        let closed = self.window(bank).and_then(|window| window.closed_through);
        let mut totals: BTreeMap<_, Closing> = BTreeMap::new();
        for order in self
            .orders
            .values()
            .map(|order| &order.row)
            .filter(|o| o.bank == bank && o.takes.is_none())
        {
            let Some(day) = order.operating_day.filter(|day| Some(*day) > closed) else {
                continue;
            };
            let total = totals.entry(day).or_insert_with(|| Closing {
                id: format!("{bank}/{}", day.0),
                bank: bank.to_owned(),
                operating_day: day,
                orders: 0,
                paid_tiyn: 0,
                returned_tiyn: 0,
                closed_at_us: 0,
            });
            total.orders += 1;
            let moments = [Some(order.changed_at_us), order.document_at_us, order.txn_at_us];
            total.closed_at_us =
                total.closed_at_us.max(moments.into_iter().flatten().max().unwrap_or(0));
            match order.reverses {
                Some(_) => total.returned_tiyn += order.amount_tiyn,
                None => total.paid_tiyn += order.amount_tiyn,
            }
        }
        self.totals = totals.into_values().collect();
    }
}
