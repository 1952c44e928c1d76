//! What is counted towards each agency; agencies may come while the node runs.

use super::metrics::{CALL_BUCKETS, Maker};
use arc_swap::ArcSwap;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};
use qaqpa_kit::fault::Code;
use std::collections::HashMap;
use std::sync::Arc;

/// What is counted towards one agency.
pub struct AgencyFigures {
    /// From the decision to send to the last byte of the answer.
    pub seconds: Histogram,
    /// 1 while the breaker lets nothing through.
    pub breaker_open: IntGauge,
    /// Calls at it, the limit on them, and calls that wait for their turn.
    pub in_flight: IntGauge,
    pub in_flight_limit: IntGauge,
    pub waiting: IntGauge,
    faults: Vec<IntCounter>,
}

impl AgencyFigures {
    /// Figures that are told nowhere.
    pub(super) fn untold() -> Result<Self, prometheus::Error> {
        let seconds = Histogram::with_opts(HistogramOpts::new("untold_seconds", "Untold."))?;
        let breaker_open = IntGauge::new("untold", "Untold.")?;
        let gauge = || IntGauge::new("untold", "Untold.");
        let (in_flight, in_flight_limit, waiting) = (gauge()?, gauge()?, gauge()?);
        Ok(Self { seconds, breaker_open, in_flight, in_flight_limit, waiting, faults: Vec::new() })
    }

    /// Counts a failed exchange.
    pub fn fault(&self, code: Code) {
        if let Some(counter) = self.faults.get(code as usize) {
            counter.inc();
        }
    }
}

/// Of all agencies.
pub(super) struct Agencies {
    seconds: HistogramVec,
    faults: IntCounterVec,
    breakers: IntGaugeVec,
    in_flight: IntGaugeVec,
    in_flight_limit: IntGaugeVec,
    waiting: IntGaugeVec,
    known: ArcSwap<HashMap<String, Arc<AgencyFigures>>>,
}

impl Agencies {
    pub(super) fn new(made: &Maker) -> Result<Self, prometheus::Error> {
        let options =
            HistogramOpts::new("qaqpa_upstream_seconds", "Time an agency took to answer.")
                .buckets(CALL_BUCKETS.to_vec());
        Ok(Self {
            seconds: made.keep(HistogramVec::new(options, &["agency"])?)?,
            faults: made.counters(
                "qaqpa_upstream_faults_total",
                "Requests to an agency that failed, by code.",
                &["agency", "code"],
            )?,
            breakers: made.gauges(
                "qaqpa_breaker_open",
                "1 while an agency is not asked because it keeps failing.",
                &["agency"],
            )?,
            in_flight: made.gauges("qaqpa_agency_in_flight", "Calls at an agency.", &["agency"])?,
            in_flight_limit: made.gauges(
                "qaqpa_agency_in_flight_limit",
                "Calls that an agency is given at once, by how fast it answers.",
                &["agency"],
            )?,
            waiting: made.gauges(
                "qaqpa_agency_waiting",
                "Calls that wait for their turn at an agency.",
                &["agency"],
            )?,
            known: ArcSwap::default(),
        })
    }

    /// Counts these agencies too, from zero where they are new.
    pub(super) fn extend<'i>(&self, ids: impl Iterator<Item = &'i String>) {
        let mut known = HashMap::clone(&self.known.load());
        for id in ids {
            known.entry(id.clone()).or_insert_with(|| Arc::new(self.of(id)));
        }
        self.known.store(Arc::new(known));
    }

    /// Says no more whether these are asked and by how many; calls under way to them are still counted.
    pub(super) fn forget<'i>(&self, ids: impl Iterator<Item = &'i String>) {
        let mut known = HashMap::clone(&self.known.load());
        for id in ids {
            known.remove(id);
            for gauges in [&self.breakers, &self.in_flight, &self.in_flight_limit, &self.waiting] {
                drop(gauges.remove_label_values(&[id]));
            }
        }
        self.known.store(Arc::new(known));
    }

    pub(super) fn figures(&self, id: &str) -> Option<Arc<AgencyFigures>> {
        self.known.load().get(id).cloned()
    }

    fn of(&self, id: &str) -> AgencyFigures {
        AgencyFigures {
            seconds: self.seconds.with_label_values(&[id]),
            breaker_open: self.breakers.with_label_values(&[id]),
            in_flight: self.in_flight.with_label_values(&[id]),
            in_flight_limit: self.in_flight_limit.with_label_values(&[id]),
            waiting: self.waiting.with_label_values(&[id]),
            faults: Code::ALL
                .iter()
                .map(|code| self.faults.with_label_values(&[id, code.word()]))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::check::tests::smallest;
    use crate::ops::metrics::Metrics;
    use std::error::Error;

    #[test]
    fn whoever_is_gone_is_told_of_no_more_and_whoever_stays_is() -> Result<(), Box<dyn Error>> {
        let before = smallest();
        let mut now = smallest();
        let metrics = Metrics::new(&before, &[])?;
        metrics.certificate_expires("demo", 7);
        let open = "qaqpa_breaker_open{agency=\"office\"}";
        metrics.forget(&before, &now);
        let text = metrics.text()?;
        assert!(text.contains(open) && !text.contains("participant=\"demo\""), "{text}");
        now.agencies.clear();
        metrics.forget(&before, &now);
        assert!(!metrics.text()?.contains(open), "an agency that is gone is no open breaker");
        metrics.extend(&before);
        assert!(metrics.text()?.contains(open), "it came back");
        Ok(())
    }
}
