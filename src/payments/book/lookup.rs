//! By which keys a store reads the rows of a book, in both dialects.

use std::collections::{BTreeMap, BTreeSet};

/// By which key rows are read. PostgreSQL locks them in this order, those of [`Lookup::USUAL`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::payments) enum Lookup {
    /// Windows that postings go into.
    Window,
    /// Windows that are to be closed.
    WindowToClose,
    Charge,
    ChargeName,
    /// The order that holds a charge.
    Holder,
    Order,
    EndToEnd,
    Txn,
    Document,
    /// Refunds and returns, by the payment that they give back.
    Reversing,
    /// Those of them that a bank's word of money that went back was taken for, by the payment.
    Refunded,
    /// Which call an order is the proof for; after its order, whose lock decides the race.
    Redemption,
    Evidence,
    /// Words that wait for an order of this name.
    Early,
    Key,
    Notice,
    /// Notices of a payment and of what gives it back that were not told yet; after their orders, whose
    /// lock decides what follows what.
    Untold,
    Run,
    Break,
    RegisterFile,
    /// What the days after the last closed one hold, by bank, and the latest moment at which anything of
    /// it came to be known.
    Totals,
}

impl Lookup {
    pub(in crate::payments) const ALL: [Self; 21] = [
        Self::Window,
        Self::WindowToClose,
        Self::Charge,
        Self::ChargeName,
        Self::Holder,
        Self::Order,
        Self::EndToEnd,
        Self::Txn,
        Self::Document,
        Self::Reversing,
        Self::Refunded,
        Self::Redemption,
        Self::Evidence,
        Self::Early,
        Self::Key,
        Self::Notice,
        Self::Untold,
        Self::Run,
        Self::Break,
        Self::RegisterFile,
        Self::Totals,
    ];

    /// What PostgreSQL reads by one statement, and first.
    pub(in crate::payments) const USUAL: [Self; 7] = [
        Self::Window,
        Self::Charge,
        Self::Holder,
        Self::Order,
        Self::Txn,
        Self::Evidence,
        Self::Early,
    ];

    /// The reading in both dialects, with `{set}` for the test against the keys, and how PostgreSQL
    /// locks what it reads.
    pub(in crate::payments) const fn select(self) -> (&'static str, &'static str) {
        const UPDATE: &str = " ORDER BY id FOR UPDATE";
        match self {
            Self::Window => ("SELECT * FROM bank_window WHERE id {set}", " ORDER BY id FOR SHARE"),
            Self::WindowToClose => ("SELECT * FROM bank_window WHERE id {set}", UPDATE),
            Self::Charge => ("SELECT * FROM charge WHERE id {set}", UPDATE),
            Self::ChargeName => ("SELECT * FROM charge WHERE name {set}", ""),
            Self::Holder => {
                ("SELECT * FROM payment_order WHERE charge {set} AND holds = 1", UPDATE)
            }
            Self::Order => ("SELECT * FROM payment_order WHERE id {set}", UPDATE),
            Self::EndToEnd => ("SELECT * FROM payment_order WHERE end_to_end_id {set}", UPDATE),
            Self::Txn => ("SELECT * FROM payment_order WHERE txn_key {set}", UPDATE),
            Self::Document => ("SELECT * FROM payment_order WHERE document_key {set}", UPDATE),
            Self::Reversing => ("SELECT * FROM payment_order WHERE reverses {set}", UPDATE),
            // One that waited under the refund's own name was said of the refund itself.
            Self::Refunded => (
                "SELECT e.order_id AS id FROM payment_order o JOIN order_evidence e \
                 ON e.order_id = o.id WHERE o.reverses {set} AND e.said = 'refunded' \
                 UNION ALL SELECT j.order_id FROM payment_order o JOIN evidence_joined j \
                 ON j.order_id = o.id JOIN order_evidence e ON e.id = j.id \
                 WHERE o.reverses {set} AND e.said = 'refunded' \
                 AND coalesce(e.name, '') <> o.bank || '/end_to_end/' || o.end_to_end_id \
                 AND coalesce(e.name, '') <> o.bank || '/txn/' || coalesce(o.txn_id, '')",
                "",
            ),
            Self::Redemption => ("SELECT * FROM redemption WHERE id {set}", UPDATE),
            Self::Evidence => (
                "SELECT e.*, j.order_id AS joined FROM order_evidence e \
                 LEFT JOIN evidence_joined j ON j.id = e.id WHERE e.id {set}",
                "",
            ),
            Self::Early => (
                "SELECT * FROM order_evidence e WHERE e.name {set} \
                 AND NOT EXISTS (SELECT 1 FROM evidence_joined j WHERE j.id = e.id)",
                "",
            ),
            Self::Key => ("SELECT * FROM request_key WHERE id {set}", ""),
            Self::Notice => ("SELECT * FROM notice WHERE id {set}", UPDATE),
            Self::Untold => (
                "SELECT * FROM notice WHERE told_at_us IS NULL AND order_id IN \
                 (SELECT id FROM payment_order WHERE id {set} OR reverses {set})",
                UPDATE,
            ),
            Self::Run => ("SELECT * FROM reconcile_run WHERE id {set}", UPDATE),
            Self::Break => ("SELECT * FROM break_item WHERE id {set}", UPDATE),
            Self::RegisterFile => ("SELECT * FROM register_file WHERE id {set}", ""),
            Self::Totals => (
                "SELECT bank || '/' || operating_day AS id, bank, operating_day, count(*) AS orders, \
                 CAST(sum(CASE WHEN reverses IS NULL THEN amount_tiyn ELSE 0 END) AS BIGINT) \
                 AS paid_tiyn, \
                 CAST(sum(CASE WHEN reverses IS NULL THEN 0 ELSE amount_tiyn END) AS BIGINT) \
                 AS returned_tiyn, CAST(max(CASE \
                 WHEN txn_at_us > changed_at_us AND txn_at_us > coalesce(document_at_us, 0) THEN txn_at_us \
                 WHEN document_at_us > changed_at_us THEN document_at_us \
                 ELSE changed_at_us END) AS BIGINT) AS closed_at_us \
                 FROM payment_order WHERE bank {set} AND takes IS NULL AND operating_day > (SELECT \
                 coalesce(closed_through, -1) FROM bank_window w WHERE w.id = payment_order.bank) \
                 GROUP BY bank, operating_day ORDER BY operating_day",
                "",
            ),
        }
    }
}

/// Keys to read, by lookup.
#[derive(Debug, Default)]
pub(in crate::payments) struct Wanted(BTreeMap<Lookup, BTreeSet<String>>);

impl Wanted {
    pub(in crate::payments) fn want(&mut self, lookup: Lookup, key: &str) {
        self.0.entry(lookup).or_default().insert(key.to_owned());
    }

    pub(in crate::payments) fn keys(&self, lookup: Lookup) -> Vec<String> {
        self.0.get(&lookup).into_iter().flatten().cloned().collect()
    }

    pub(in crate::payments) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
