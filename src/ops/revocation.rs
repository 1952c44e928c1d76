//! What is counted of revocation: verdicts, why none was possible, responders and lists.

use super::metrics::{AgencyFigures, Maker};
use crate::sign::trust::crl::shelf::Shelf;
use crate::sign::trust::status::{Status, Why};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge};
use std::collections::HashMap;
use std::sync::Arc;

/// Seconds; a responder next door answers in milliseconds, and none is waited for beyond ten seconds.
const OCSP_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];

/// What became of lists.
pub const CRL_RESULTS: [&str; 3] = ["taken", "refused", "unreachable"];

/// What is counted of revocation.
pub struct RevocationFigures {
    verdicts: HashMap<&'static str, IntCounter>,
    unknown: HashMap<&'static str, IntCounter>,
    crls: HashMap<&'static str, IntCounter>,
    /// Calls that went on although nobody could say whether their caller was revoked.
    pub degraded: IntCounter,
    /// From the question to the end of the answer.
    pub ocsp_seconds: Histogram,
    /// Questions under way.
    pub ocsp_in_flight: IntGauge,
    /// Certificates whose status is remembered.
    pub statuses: IntGauge,
    /// Lists at hand.
    pub crls_at_hand: IntGauge,
    /// Certificates on them.
    pub crl_entries: IntGauge,
    /// Seconds since the oldest of them was issued.
    pub crl_age: IntGauge,
    /// Seconds until the first of them must be followed; negative: one is stale.
    pub crl_left: IntGauge,
    /// Of the way to responders and lists; told nowhere, because the figures above say more.
    pub way: Arc<AgencyFigures>,
}

impl RevocationFigures {
    pub(super) fn new(made: &Maker) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| made.keep(IntGauge::new(name, help)?);
        Ok(Self {
            verdicts: made.words(
                "qaqpa_revocation_verdicts_total",
                "Certificates of calls asked about, by verdict.",
                "verdict",
                ["good", "revoked", "unknown"].into_iter(),
            )?,
            unknown: made.words(
                "qaqpa_revocation_unknown_total",
                "Verdicts that were not possible, by why.",
                "why",
                Why::WORDS.into_iter(),
            )?,
            crls: made.words(
                "qaqpa_crl_reads_total",
                "Revocation lists read, by what became of them.",
                "result",
                CRL_RESULTS.into_iter(),
            )?,
            degraded: made.keep(IntCounter::new(
                "qaqpa_revocation_degraded_total",
                "Calls that went on although nobody could say whether their caller was revoked.",
            )?)?,
            ocsp_seconds: made.keep(Histogram::with_opts(
                HistogramOpts::new("qaqpa_ocsp_seconds", "Time a responder took to answer.")
                    .buckets(OCSP_BUCKETS.to_vec()),
            )?)?,
            ocsp_in_flight: gauge("qaqpa_ocsp_in_flight", "Questions to responders under way.")?,
            statuses: gauge(
                "qaqpa_revocation_statuses",
                "Certificates whose status by a responder is remembered.",
            )?,
            crls_at_hand: gauge("qaqpa_crl_lists", "Revocation lists at hand.")?,
            crl_entries: gauge("qaqpa_crl_entries", "Certificates on the lists at hand.")?,
            crl_age: gauge(
                "qaqpa_crl_age_seconds",
                "Age of the oldest list at hand; 0 without one.",
            )?,
            crl_left: gauge(
                "qaqpa_crl_left_seconds",
                "Time until the first list at hand is stale, negative after it; 0 without one.",
            )?,
            way: Arc::new(AgencyFigures::untold()?),
        })
    }

    /// Counts the verdict on a call's certificate.
    pub fn verdict(&self, status: Status) {
        if let Some(counter) = self.verdicts.get(status.word()) {
            counter.inc();
        }
        if let Status::Unknown(why) = status
            && let Some(counter) = self.unknown.get(why.word())
        {
            counter.inc();
        }
    }

    /// Counts what became of a list, by a word of [`CRL_RESULTS`].
    pub fn crl(&self, result: &str) {
        if let Some(counter) = self.crls.get(result) {
            counter.inc();
        }
    }

    /// Tells of the lists at hand.
    pub fn shelf(&self, shelf: &Shelf, now_unix_s: i64) {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let crls = shelf.crls();
        self.crls_at_hand.set(whole(crls.len()));
        self.crl_entries.set(whole(crls.iter().map(|crl| crl.entries()).sum()));
        let oldest = crls.iter().map(|crl| crl.this_update_unix_s()).min();
        let next = crls.iter().map(|crl| crl.next_update_unix_s()).min();
        self.crl_age.set(oldest.map_or(0, |at| now_unix_s.saturating_sub(at)));
        self.crl_left.set(next.map_or(0, |at| at.saturating_sub(now_unix_s)));
    }
}
