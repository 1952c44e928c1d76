//! What is counted of orders, inquiries and notices, by bank and by participant.

use super::metrics::Maker;
use crate::config::settings::Settings;
use crate::payments::order::{Said, State};
use crate::payments::record::{NoticeCount, OpenCount};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use qaqpa_kit::fault::{Fault, Outcome};
use std::collections::HashMap;
use std::sync::Arc;

/// The states of an order that somebody must look after.
const OPEN: [State; 2] = [State::Unknown, State::Conflict];

/// Of all banks and of everybody who is told.
pub struct ClerkFigures {
    banks: HashMap<String, Arc<BankFigures>>,
    recipients: HashMap<String, Arc<NoticeFigures>>,
}

/// Of one bank.
pub struct BankFigures {
    submissions: HashMap<&'static str, IntCounter>,
    inquiries: HashMap<&'static str, IntCounter>,
    /// Orders whose outcome nobody knows, and those that wait for a ruling; their oldest, in seconds.
    open: HashMap<State, (IntGauge, IntGauge)>,
    /// Orders that nobody has looked after in time.
    pub overdue: IntGauge,
}

/// Of one participant.
pub struct NoticeFigures {
    pub told: IntCounter,
    pub failed: IntCounter,
    pub dead: IntCounter,
    waiting: IntGauge,
    letters: IntGauge,
    oldest_s: IntGauge,
}

/// What a bank says, as a label.
const fn word(said: Said) -> &'static str {
    match said {
        Said::Accepted => "accepted",
        Said::Posted => "posted",
        Said::Settled => "settled",
        Said::Rejected => "rejected",
        Said::NotFound => "not_found",
        Said::Pending => "pending",
        Said::Returned | Said::Credited | Said::Refunded => "returned",
    }
}

const SUBMITTED: &[&str] = &[
    "accepted",
    "posted",
    "settled",
    "rejected",
    "pending",
    "returned",
    "unclear",
    "unsent",
    "unwritable",
];
const INQUIRED: &[&str] =
    &["accepted", "posted", "settled", "rejected", "not_found", "pending", "returned", "unclear"];

fn count(counters: &HashMap<&'static str, IntCounter>, word: &str) {
    if let Some(counter) = counters.get(word) {
        counter.inc();
    }
}

impl BankFigures {
    /// Counts what a bank answered to an order.
    pub fn submitted(&self, said: Said) {
        count(&self.submissions, word(said));
    }

    /// Counts an attempt without a clear answer; `unsent` where not a byte left.
    pub fn submission_unclear(&self, fault: &Fault) {
        let is_unsent = fault.outcome() == Outcome::Refused;
        count(&self.submissions, if is_unsent { "unsent" } else { "unclear" });
    }

    /// Counts an order that its bank's dialect cannot carry.
    pub fn unwritable(&self) {
        count(&self.submissions, "unwritable");
    }

    /// Counts what a bank answered to an inquiry.
    pub fn inquired(&self, said: Said) {
        count(&self.inquiries, word(said));
    }

    /// Counts an inquiry without a clear answer.
    pub fn inquiry_unclear(&self) {
        count(&self.inquiries, "unclear");
    }
}

/// The families of metrics, from which each bank and participant has its own.
struct Families {
    submissions: IntCounterVec,
    inquiries: IntCounterVec,
    open: IntGaugeVec,
    oldest: IntGaugeVec,
    overdue: IntGaugeVec,
    notices: IntCounterVec,
    waiting: IntGaugeVec,
    letters: IntGaugeVec,
    untold: IntGaugeVec,
}

impl Families {
    fn new(made: &Maker) -> Result<Self, prometheus::Error> {
        Ok(Self {
            submissions: made.counters(
                "qaqpa_payments_submissions_total",
                "Attempts to have an order paid, by what the bank said.",
                &["bank", "result"],
            )?,
            inquiries: made.counters(
                "qaqpa_payments_inquiries_total",
                "Inquiries after orders, by what the bank said.",
                &["bank", "result"],
            )?,
            open: made.gauges(
                "qaqpa_payments_open_orders",
                "Orders whose outcome nobody knows, or that wait for a ruling.",
                &["bank", "state"],
            )?,
            oldest: made.gauges(
                "qaqpa_payments_open_oldest_seconds",
                "Age of the oldest order whose outcome nobody knows; 0 without one.",
                &["bank", "state"],
            )?,
            overdue: made.gauges(
                "qaqpa_payments_overdue_orders",
                "Orders that should have been looked after a minute ago.",
                &["bank"],
            )?,
            notices: made.counters(
                "qaqpa_payments_notices_total",
                "Attempts to tell a participant of a payment, by result.",
                &["recipient", "result"],
            )?,
            waiting: made.gauges(
                "qaqpa_payments_waiting_notices",
                "Notices that wait to be told.",
                &["recipient"],
            )?,
            letters: made.gauges(
                "qaqpa_payments_dead_notices",
                "Notices given up: dead letters, until an operator sends them again.",
                &["recipient"],
            )?,
            untold: made.gauges(
                "qaqpa_payments_untold_oldest_seconds",
                "Age of the oldest change that a participant was not told of; 0 without one.",
                &["recipient"],
            )?,
        })
    }

    fn bank(&self, id: &str) -> BankFigures {
        let of = |family: &IntCounterVec, words: &[&'static str]| {
            words.iter().map(|word| (*word, family.with_label_values(&[id, word]))).collect()
        };
        let open = |state: State| {
            let labels = [id, state.word()];
            let (orders, oldest) = (&self.open, &self.oldest);
            (state, (orders.with_label_values(&labels), oldest.with_label_values(&labels)))
        };
        BankFigures {
            submissions: of(&self.submissions, SUBMITTED),
            inquiries: of(&self.inquiries, INQUIRED),
            open: OPEN.map(open).into(),
            overdue: self.overdue.with_label_values(&[id]),
        }
    }

    fn recipient(&self, id: &str) -> NoticeFigures {
        let counter = |result| self.notices.with_label_values(&[id, result]);
        NoticeFigures {
            told: counter("told"),
            failed: counter("failed"),
            dead: counter("dead"),
            waiting: self.waiting.with_label_values(&[id]),
            letters: self.letters.with_label_values(&[id]),
            oldest_s: self.untold.with_label_values(&[id]),
        }
    }
}

impl ClerkFigures {
    pub(super) fn new(made: &Maker, settings: &Settings) -> Result<Self, prometheus::Error> {
        let families = Families::new(made)?;
        let (banks, recipients) =
            (settings.payments.banks.keys(), settings.payments.recipients.keys());
        Ok(Self {
            banks: banks.map(|id| (id.clone(), Arc::new(families.bank(id)))).collect(),
            recipients: recipients
                .map(|id| (id.clone(), Arc::new(families.recipient(id))))
                .collect(),
        })
    }

    /// The figures of a bank of the settings.
    #[must_use]
    pub fn bank(&self, id: &str) -> Option<Arc<BankFigures>> {
        self.banks.get(id).cloned()
    }

    /// The figures of a participant that is told.
    #[must_use]
    pub fn recipient(&self, id: &str) -> Option<Arc<NoticeFigures>> {
        self.recipients.get(id).cloned()
    }

    /// Takes in how many orders are open at each bank now.
    pub fn open(&self, counts: &[OpenCount], now_us: i64) {
        for (id, bank) in &self.banks {
            for (state, (orders, oldest_s)) in &bank.open {
                let of_it = |count: &&OpenCount| count.bank == *id && count.state == *state;
                let found = counts.iter().find(of_it);
                orders.set(found.map_or(0, |count| count.orders));
                oldest_s.set(found.map_or(0, |count| age_s(count.oldest_us, now_us)));
            }
        }
    }

    /// Takes in how many notices wait now.
    pub fn waiting(&self, counts: &[NoticeCount], now_us: i64) {
        for (id, figures) in &self.recipients {
            let found = counts.iter().find(|count| count.recipient == *id);
            figures.waiting.set(found.map_or(0, |count| count.waiting));
            figures.letters.set(found.map_or(0, |count| count.dead));
            figures.oldest_s.set(found.map_or(0, |count| age_s(count.oldest_us, now_us)));
        }
    }
}

fn age_s(since_us: i64, now_us: i64) -> i64 {
    now_us.saturating_sub(since_us).max(0) / 1_000_000
}
