//! The journal's own figures as metrics: read at each scrape, never pushed.

use super::metrics::Metrics;
use crate::journal::{Journal, Stats};

type Read = fn(&Stats) -> u64;

/// What only grows: name, help, where to read it.
const TOTALS: [(&str, &str, Read); 7] = [
    ("qaqpa_journal_opened_total", "Entries opened.", |s| s.opened.read()),
    ("qaqpa_journal_closed_total", "Entries closed.", |s| s.closed.read()),
    ("qaqpa_journal_unknown_total", "Entries closed that wait for evidence.", |s| s.unknown.read()),
    ("qaqpa_journal_stored_answers_total", "Stored answers given again to the same call.", |s| {
        s.stored_given.read()
    }),
    ("qaqpa_journal_dropped_records_total", "Refusals not recorded: too many waited.", |s| {
        s.records_dropped.read()
    }),
    (
        "qaqpa_journal_interrupted_total",
        "Entries of an earlier life that were closed at the start.",
        |s| s.interrupted.read(),
    ),
    ("qaqpa_journal_commits_total", "Groups committed.", |s| s.commit_us.count.read()),
];

/// What rises and falls.
const LEVELS: [(&str, &str, Read); 7] = [
    ("qaqpa_journal_waiting_opens", "Opens that wait for the writer.", |s| s.opens_waiting.read()),
    ("qaqpa_journal_waiting_closes", "Closes and records that wait for the writer.", |s| {
        s.closes_waiting.read()
    }),
    ("qaqpa_journal_answers_bytes", "Bytes of stored answers.", |s| s.answers_bytes.read()),
    (
        "qaqpa_journal_unresolved_entries",
        "Entries that wait for evidence now, counted up to a thousand.",
        |s| s.unresolved.read(),
    ),
    (
        "qaqpa_journal_unresolved_oldest_seconds",
        "Age of the oldest entry that waits for evidence; 0 without one.",
        |s| s.unresolved_oldest_s.read(),
    ),
    (
        "qaqpa_services_report_due_timestamp_seconds",
        "When the last month's report of services is late; 0: it was entered, or is not watched.",
        |s| s.report_late_unix_s.read(),
    ),
    (
        "qaqpa_services_act_due_timestamp_seconds",
        "When the last month's acts of services are late; 0: they were entered, or are not watched.",
        |s| s.act_late_unix_s.read(),
    ),
];

/// Registers `qaqpa_journal_*`.
///
/// # Errors
/// A name is taken: a bug, found at the first start.
pub fn watch(metrics: &Metrics, journal: &Journal) -> Result<(), prometheus::Error> {
    for (name, help, read) in LEVELS {
        let journal = journal.clone();
        metrics.watch(name, help, move || as_float(read(journal.stats())))?;
    }
    let ready = journal.clone();
    metrics.watch("qaqpa_journal_ready", "1 while the journal takes entries.", move || {
        f64::from(u8::from(ready.is_ready()))
    })?;
    for (name, help, read) in TOTALS {
        let journal = journal.clone();
        metrics.count(name, help, move || read(journal.stats()))?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of our age are exact in a double")]
fn as_float(value: u64) -> f64 {
    value as f64
}
