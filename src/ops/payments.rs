//! The figures of payments as metrics: read at each scrape, never pushed.

use super::metrics::Metrics;
use crate::payments::record::Levels;
use crate::payments::{Payments, Stats};
use prometheus::{IntGaugeVec, Opts};

type Read = fn(&Stats) -> u64;

/// What only grows: name, help, where to read it.
const TOTALS: [(&str, &str, Read); 3] = [
    ("qaqpa_payments_commits_total", "Groups of changes to payments committed.", Stats::commits),
    (
        "qaqpa_payments_requests_total",
        "Requests to payments decided and committed.",
        Stats::requests,
    ),
    ("qaqpa_payments_failures_total", "Groups that the store did not take.", Stats::failures),
];

/// What is open, told now and then.
pub struct Figures {
    exposure: IntGaugeVec,
    orders: IntGaugeVec,
    suspense: IntGaugeVec,
}

impl Figures {
    fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let made = |name: &str, help: &str, labels: &[&str]| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            metrics.collect(gauges.clone())?;
            Ok::<_, prometheus::Error>(gauges)
        };
        Ok(Self {
            exposure: made(
                "qaqpa_payments_exposure_tiyn",
                "Money that a bank may be about to take.",
                &["bank"],
            )?,
            orders: made(
                "qaqpa_payments_pending_orders",
                "Payments and refunds whose money is not there yet, by state.",
                &["state"],
            )?,
            suspense: made(
                "qaqpa_payments_suspense_tiyn",
                "Money at a bank that pays no charge and was not given back.",
                &["bank"],
            )?,
        })
    }

    /// Tells what is open now.
    pub fn tell(&self, levels: &Levels) {
        for gauges in [&self.exposure, &self.orders, &self.suspense] {
            gauges.reset();
        }
        for level in &levels.pending {
            self.exposure.with_label_values(&[&level.bank]).add(level.amount_tiyn);
            self.orders.with_label_values(&[&level.state]).add(level.orders);
        }
        for level in &levels.suspense {
            self.suspense.with_label_values(&[&level.bank]).add(level.amount_tiyn);
        }
    }
}

/// Registers `qaqpa_payments_*`.
///
/// # Errors
/// A name is taken: a bug, found at the first start.
pub fn watch(metrics: &Metrics, payments: &Payments) -> Result<Figures, prometheus::Error> {
    let ready = payments.clone();
    metrics.watch("qaqpa_payments_ready", "1 while payments are taken.", move || {
        f64::from(u8::from(ready.is_ready()))
    })?;
    for (name, help, read) in TOTALS {
        let payments = payments.clone();
        metrics.count(name, help, move || read(payments.stats()))?;
    }
    Figures::new(metrics)
}
