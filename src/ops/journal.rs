//! The journal's own figures as metrics: read at each scrape, never pushed.

use super::metrics::Metrics;
use crate::journal::Journal;

/// Registers `qaqpa_journal_*`.
///
/// # Errors
/// A name is taken: a bug, found at the first start.
pub fn watch(metrics: &Metrics, journal: &Journal) -> Result<(), prometheus::Error> {
    type Read = fn(&crate::journal::Stats) -> u64;
    let figures: [(&'static str, &'static str, Read); 10] = [
        ("qaqpa_journal_opened_entries", "Entries opened since the start.", |s| s.opened.read()),
        ("qaqpa_journal_closed_entries", "Entries closed since the start.", |s| s.closed.read()),
        ("qaqpa_journal_unknown_entries", "Entries closed as Unknown since the start.", |s| {
            s.unknown.read()
        }),
        ("qaqpa_journal_stored_answers", "Stored answers given again since the start.", |s| {
            s.stored_given.read()
        }),
        ("qaqpa_journal_dropped_records", "Refusals not recorded because too many waited.", |s| {
            s.records_dropped.read()
        }),
        (
            "qaqpa_journal_interrupted_entries",
            "Entries of an earlier life closed at the start.",
            |s| s.interrupted.read(),
        ),
        ("qaqpa_journal_waiting_opens", "Opens waiting for the writer.", |s| {
            s.opens_waiting.read()
        }),
        ("qaqpa_journal_waiting_closes", "Closes waiting for the writer.", |s| {
            s.closes_waiting.read()
        }),
        ("qaqpa_journal_answers_bytes", "Bytes of stored answers.", |s| s.answers_bytes.read()),
        ("qaqpa_journal_commits", "Groups committed since the start.", |s| {
            s.commit_us.count.read()
        }),
    ];
    for (name, help, read) in figures {
        let journal = journal.clone();
        // Counts of our age are exact in a double.
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        metrics.watch(name, help, move || read(journal.stats()) as f64)?;
    }
    let journal = journal.clone();
    metrics.watch("qaqpa_journal_ready", "1 while the journal takes entries.", move || {
        f64::from(u8::from(journal.is_ready()))
    })
}
