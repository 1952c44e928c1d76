//! What is counted of the shares of quotas that the nodes of a cluster take.

use super::metrics::Maker;
use prometheus::{IntCounter, IntGauge, Opts};

/// Rounds, and the nodes that take part.
pub struct LeaseFigures {
    pub renewed: IntCounter,
    pub failed: IntCounter,
    pub nodes: IntGauge,
    /// Caps and quotas of participant × service that calls needed.
    pub gates: IntGauge,
}

impl LeaseFigures {
    pub(super) fn new(made: &Maker) -> Result<Self, prometheus::Error> {
        let rounds = made.counters(
            "qaqpa_quota_leases_total",
            "Rounds in which the nodes of a cluster part their quotas, by result.",
            &["result"],
        )?;
        Ok(Self {
            renewed: rounds.with_label_values(&["renewed"]),
            failed: rounds.with_label_values(&["failed"]),
            gates: made.keep(IntGauge::new(
                "qaqpa_limits_gates",
                "Caps and quotas of participant and service in memory: those that calls needed.",
            )?)?,
            nodes: made.keep(IntGauge::with_opts(Opts::new(
                "qaqpa_quota_nodes",
                "Nodes that part the quotas of this cluster.",
            ))?)?,
        })
    }
}
