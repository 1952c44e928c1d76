//! What operations count: one place where every metric has its name, its help and its closed labels.
//!
//! Children are resolved once, at start: the hot path touches atomics, never a label map of strings
//! that a caller chose. The text stands at /metrics (`ops/http`).

pub use super::agencies::AgencyFigures;
pub use super::doors::DoorFigures;
pub use super::lease::LeaseFigures;
pub use super::reload::ReloadFigures;
pub use super::revocation::RevocationFigures;

use super::agencies::Agencies;
use super::clerk::ClerkFigures;
use super::doors;
use super::total::Total;
use crate::config::settings::Settings;
use arc_swap::ArcSwap;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, PullingGauge, Registry, TextEncoder,
};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Seconds; from a refusal that costs nothing to the longest deadline of a call.
pub(super) const CALL_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Seconds; a phase of the gateway's own takes microseconds, an agency's seconds.
const PHASE_BUCKETS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25,
    0.5, 1.0, 5.0, 30.0,
];

const OUTCOMES: [Outcome; 3] = [Outcome::Done, Outcome::Refused, Outcome::Unknown];

/// The limits that `limits_refused_total` names; any other is `other`.
pub const LIMITS: [&str; 17] = [
    "quota_participant",
    "quota_agency",
    "in_flight_node",
    "in_flight_participant",
    "in_flight_agency",
    "waiting_agency",
    "deadline_agency",
    "lag_node",
    "uploads_participant",
    "retries_agency",
    "body_bytes",
    "body_bytes_in_flight",
    "unsent_bytes",
    "spool_bytes",
    "connections_per_participant",
    "headers",
    "other",
];

/// What a public look-up of a receipt may be told.
pub const LOOK_UPS: [&str; 9] = [
    "paid",
    "partly_returned",
    "returned",
    "unassigned",
    "contested",
    "not_found",
    "page",
    "too_fast",
    "down",
];

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// By `serviceId`; `""` stands for calls that named no service of ours.
    calls: ArcSwap<HashMap<String, [IntCounter; 3]>>,
    calls_family: IntCounterVec,
    call_seconds: Histogram,
    phase_seconds: Vec<Histogram>,
    faults: Vec<IntCounter>,
    signature_refused: HashMap<&'static str, IntCounter>,
    limits_refused: HashMap<&'static str, IntCounter>,
    certificate_expiry: GaugeVec,
    /// How late the node is, seconds.
    pub lag: Gauge,
    pub relayed: RelayFigures,
    /// Orders, inquiries and notices.
    pub clerk: ClerkFigures,
    agencies: Agencies,
    /// Changes of the configuration while the node runs.
    pub reload: ReloadFigures,
    /// Shares of quotas in a cluster.
    pub lease: LeaseFigures,
    /// Verdicts on certificates, responders and lists.
    pub revocation: RevocationFigures,
    look_ups: HashMap<&'static str, IntCounter>,
    /// The doors for callers, all together.
    pub callers: DoorFigures,
    /// The door for operations.
    pub ops: DoorFigures,
    /// Log lines given up because the reader of the log is too slow.
    pub log_lines_dropped: IntCounter,
}

/// Bytes of bodies that were relayed and not held.
pub struct RelayFigures {
    pub request_bytes: IntCounter,
    pub answer_bytes: IntCounter,
}

/// One call, as far as it got.
#[derive(Debug)]
pub struct CallFigures<'a> {
    pub service: &'a str,
    pub outcome: Outcome,
    pub fault: Option<&'a Fault>,
    /// Microseconds from the start to the end of each phase; 0: not reached.
    pub ends_us: [u32; 11],
}

impl Metrics {
    /// All metrics of an installation, at zero; `signature_reasons` is the closed list of `sign`.
    ///
    /// # Errors
    /// Two metrics of one name: a bug, found at the first start.
    pub fn new(
        settings: &Settings,
        signature_reasons: &[&'static str],
    ) -> Result<Self, prometheus::Error> {
        let made = Maker(Registry::new());
        made.register(ProcessCollector::for_self())?;
        let build = Opts::new("qaqpa_build_info", "Version that runs; the value is always 1.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        made.keep(IntGauge::with_opts(build)?)?.set(1);
        let (callers, ops) = doors::figures(&made)?;
        let calls =
            made.counters("qaqpa_calls_total", "Calls answered.", &["service", "outcome"])?;
        let metrics = Self {
            calls: ArcSwap::default(),
            calls_family: calls,
            call_seconds: made.keep(Histogram::with_opts(
                HistogramOpts::new("qaqpa_call_seconds", "Time from receive to reply.")
                    .buckets(CALL_BUCKETS.to_vec()),
            )?)?,
            phase_seconds: made.phases()?,
            faults: made.faults()?,
            signature_refused: made.words(
                "qaqpa_signature_refused_total",
                "Signatures refused, by reason.",
                "reason",
                signature_reasons.iter().copied().chain(["other"]),
            )?,
            limits_refused: made.words(
                "qaqpa_limits_refused_total",
                "Calls refused by a limit, by limit.",
                "limit",
                LIMITS.into_iter(),
            )?,
            certificate_expiry: made.keep(GaugeVec::new(
                Opts::new(
                    "qaqpa_certificate_expiry_timestamp_seconds",
                    "Unix time at which the last certificate bound to a participant ends.",
                ),
                &["participant"],
            )?)?,
            look_ups: made.words(
                "qaqpa_receipt_look_ups_total",
                "Public look-ups of receipts, by what was told.",
                "told",
                LOOK_UPS.into_iter(),
            )?,
            lag: made.keep(Gauge::new(
                "qaqpa_lag_seconds",
                "How late the node is with what it has to do; from limits.lag_ms_max on it refuses.",
            )?)?,
            relayed: made.relayed()?,
            clerk: ClerkFigures::new(&made, settings)?,
            agencies: Agencies::new(&made)?,
            reload: ReloadFigures::new(&made)?,
            lease: LeaseFigures::new(&made)?,
            revocation: RevocationFigures::new(&made)?,
            callers,
            ops,
            log_lines_dropped: made.keep(IntCounter::new(
                "qaqpa_log_lines_dropped_total",
                "Log lines given up because the reader of the log is too slow.",
            )?)?,
            registry: made.0,
        };
        metrics.extend(settings);
        Ok(metrics)
    }

    /// Counts the services and agencies of these settings too. What was counted before stays, so
    /// that no counter goes back.
    pub fn extend(&self, settings: &Settings) {
        let of = |id: &str| {
            let label = if id.is_empty() { "none" } else { id };
            let each = OUTCOMES
                .map(|outcome| self.calls_family.with_label_values(&[label, outcome.word()]));
            (id.to_owned(), each)
        };
        let ids = settings.services.keys().map(String::as_str).chain([""]);
        self.calls.store(Arc::new(ids.map(of).collect()));
        self.agencies.extend(settings.agencies.keys());
    }

    /// Says no more what is of agencies and participants that were there before and are gone. Counters stay.
    pub fn forget(&self, before: &Settings, now: &Settings) {
        for id in before.participants.values().map(|participant| &participant.id) {
            drop(self.certificate_expiry.remove_label_values(&[id]));
        }
        let is_gone = |id: &&String| !now.agencies.contains_key(*id);
        self.agencies.forget(before.agencies.keys().filter(is_gone));
    }

    /// Counts one finished call: its service and outcome, its phases, its fault.
    pub fn observe(&self, call: &CallFigures<'_>) {
        let calls = self.calls.load();
        let counters = calls.get(call.service).or_else(|| calls.get(""));
        if let Some(counter) = counters.and_then(|all| all.get(call.outcome as usize)) {
            counter.inc();
        }
        let mut before_us = 0;
        for (end_us, histogram) in call.ends_us.into_iter().zip(&self.phase_seconds) {
            if end_us > 0 {
                histogram.observe(seconds(end_us.saturating_sub(before_us)));
                before_us = end_us;
            }
        }
        self.call_seconds.observe(seconds(before_us));
        if let Some(fault) = call.fault {
            self.fault(fault);
        }
    }

    /// Counts a fault, and the limit or signature check that it came from.
    pub fn fault(&self, fault: &Fault) {
        if let Some(counter) = self.faults.get(fault.code as usize) {
            counter.inc();
        }
        let by_reason = match fault.code {
            Code::CallerTooFast | Code::GatewayOverloaded | Code::CallerTooLarge => {
                &self.limits_refused
            }
            Code::CallerUnsigned | Code::CallerBadSignature | Code::CallerStale => {
                &self.signature_refused
            }
            _ => return,
        };
        if let Some(counter) = by_reason.get(fault.reason).or_else(|| by_reason.get("other")) {
            counter.inc();
        }
    }

    /// Counts one look-up of a receipt, by a word of [`LOOK_UPS`].
    pub fn look_up(&self, told: &str) {
        if let Some(counter) = self.look_ups.get(told) {
            counter.inc();
        }
    }

    /// The figures of one agency of the settings.
    #[must_use]
    pub fn agency(&self, id: &str) -> Option<Arc<AgencyFigures>> {
        self.agencies.figures(id)
    }

    /// Says until when a participant's last certificate lasts, Unix seconds.
    pub fn certificate_expires(&self, participant: &str, unix_s: i64) {
        #[expect(clippy::cast_precision_loss, reason = "seconds of our age are exact in a double")]
        self.certificate_expiry.with_label_values(&[participant]).set(unix_s as f64);
    }

    /// Adds a gauge that is read at each scrape, for example the journal's queue.
    ///
    /// The name begins with `qaqpa_` and ends with its unit.
    ///
    /// # Errors
    /// The name is taken or is no metric name.
    pub fn watch(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(PullingGauge::new(name, help, Box::new(read))?))
    }

    /// Adds a total that is read at each scrape; its name ends with `_total`.
    ///
    /// # Errors
    /// The name is taken or is no metric name.
    pub fn count(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error> {
        self.collect(Total::new(name, help, read)?)
    }

    /// Adds figures that are read at each scrape.
    ///
    /// # Errors
    /// A name is taken or is no metric name.
    pub fn collect(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(collector))
    }

    /// Everything in the text format of Prometheus (version 0.0.4).
    ///
    /// # Errors
    /// A metric without values, which would be a bug.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

fn seconds(us: u32) -> f64 {
    Duration::from_micros(us.into()).as_secs_f64()
}

/// Makes and registers in one step.
pub(super) struct Maker(Registry);

impl Maker {
    /// Of a registry that nobody reads.
    pub(super) fn unwatched() -> Self {
        Self(Registry::new())
    }

    fn register(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.0.register(Box::new(collector))
    }

    pub(super) fn keep<C: Collector + Clone + 'static>(
        &self,
        collector: C,
    ) -> Result<C, prometheus::Error> {
        self.register(collector.clone())?;
        Ok(collector)
    }

    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn words(
        &self,
        name: &str,
        help: &str,
        label: &str,
        words: impl Iterator<Item = &'static str>,
    ) -> Result<HashMap<&'static str, IntCounter>, prometheus::Error> {
        let all = self.counters(name, help, &[label])?;
        Ok(words.map(|word| (word, all.with_label_values(&[word]))).collect())
    }

    fn phases(&self) -> Result<Vec<Histogram>, prometheus::Error> {
        let options = HistogramOpts::new("qaqpa_phase_seconds", "Time spent in each phase.")
            .buckets(PHASE_BUCKETS.to_vec());
        let all = self.keep(HistogramVec::new(options, &["phase"])?)?;
        Ok(Phase::ALL.iter().map(|phase| all.with_label_values(&[phase.word()])).collect())
    }

    fn faults(&self) -> Result<Vec<IntCounter>, prometheus::Error> {
        let all = self.counters("qaqpa_faults_total", "Calls that failed, by code.", &["code"])?;
        Ok(Code::ALL.iter().map(|code| all.with_label_values(&[code.word()])).collect())
    }

    fn relayed(&self) -> Result<RelayFigures, prometheus::Error> {
        let about = "Bytes of relayed bodies: requests as sent on, answers as given.";
        let bytes = self.counters("qaqpa_relayed_bytes_total", about, &["direction"])?;
        Ok(RelayFigures {
            request_bytes: bytes.with_label_values(&["request"]),
            answer_bytes: bytes.with_label_values(&["answer"]),
        })
    }
}
