//! What is counted of changes to the configuration while the node runs.

use super::metrics::Maker;
use prometheus::{IntCounter, IntGauge, Opts};

/// Changes taken and refused.
pub struct ReloadFigures {
    taken: IntCounter,
    refused: IntCounter,
    failing: IntGauge,
    taken_at: IntGauge,
}

impl ReloadFigures {
    pub(super) fn new(made: &Maker) -> Result<Self, prometheus::Error> {
        let all = made.counters(
            "qaqpa_reload_total",
            "Changes of the configuration while the node runs, by result.",
            &["result"],
        )?;
        let gauge = |name, help| made.keep(IntGauge::with_opts(Opts::new(name, help))?);
        Ok(Self {
            taken: all.with_label_values(&["taken"]),
            refused: all.with_label_values(&["refused"]),
            failing: gauge(
                "qaqpa_reload_refused",
                "1 while the configuration on disk is not the one that runs, because it was refused.",
            )?,
            taken_at: gauge(
                "qaqpa_reload_timestamp_seconds",
                "Unix time at which the running configuration was taken.",
            )?,
        })
    }

    /// A configuration runs from now on.
    pub fn taken(&self, unix_s: i64, is_first: bool) {
        if !is_first {
            self.taken.inc();
        }
        self.failing.set(0);
        self.taken_at.set(unix_s);
    }

    /// A configuration was refused; the one before runs on.
    pub fn refused(&self) {
        self.refused.inc();
        self.failing.set(1);
    }
}
