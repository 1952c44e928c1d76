//! The promises, held against what callers, agencies and the journal say of the same calls.

use crate::books::{Books, Entry};
use crate::callers::Asked;
use crate::house::{House, PAYMENT, READ};
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa::command::client::Posted;
use qaqpa::config;
use qaqpa::journal::{Listing, Reader};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

/// The close of a read rides in the next group: so long before a kill it may be missing.
pub const READ_CLOSE_MAX: Duration = Duration::from_millis(500);
/// What the repetition of a call left Unknown is told.
const LEFT_UNKNOWN: Option<&str> = Some("agency.timeout");

/// What was counted, and what was broken.
#[derive(Debug, Default)]
pub struct Verdict {
    pub kills: usize,
    pub kills_at_start: usize,
    pub calls: usize,
    pub answered: usize,
    pub refused_before_open: usize,
    /// Payments whose answer could not be kept in time, and whose callers were told so.
    pub unclear: usize,
    pub open_at_kill: usize,
    pub payments_open_at_kill: usize,
    /// Reads answered a moment before a kill that took their close.
    pub reads_without_close: usize,
    pub repeated: usize,
    pub slowest_start_ms: u128,
    pub violations: BTreeSet<String>,
}

impl Verdict {
    fn check(&mut self, holds: bool, broken: impl FnOnce() -> String) {
        if !holds {
            self.violations.insert(broken());
        }
    }

    /// After a restart, before anything is repeated: journal, agencies and callers agree.
    ///
    /// `cut_after`: the close of a read that was answered later than this may be missing.
    pub async fn judge_round(&mut self, house: &House, round: &[Asked], cut_after: Instant) {
        let books = Books::read(house);
        let waiting = unresolved(house).await;
        for entry in books.all() {
            self.check(!entry.is_open(), || format!("(d) still open: {entry:?}"));
            let is_waiting = waiting.contains(&entry.id);
            let must_wait = entry.outcome == "Unknown" && entry.service == PAYMENT;
            self.check(is_waiting == must_wait && entry.needs_evidence == must_wait, || {
                format!("(d) `unresolved` says {is_waiting} of {entry:?}")
            });
            let is_unknown = entry.outcome == "Unknown";
            self.check(is_unknown || !entry.is_interrupted(), || format!("(d) {entry:?}"));
        }
        self.judge_agencies(house, &books);
        for asked in round {
            self.calls += 1;
            let entries = books.of(&asked.message_id);
            self.check(entries.len() <= 1, || format!("carried twice: {entries:?}"));
            let interrupted = entries.iter().filter(|entry| entry.is_interrupted()).count();
            self.open_at_kill += interrupted;
            if asked.service == PAYMENT {
                self.payments_open_at_kill += interrupted;
            }
            if let Some((posted, at)) = &asked.answered {
                self.answered += 1;
                self.judge_answered(asked, posted, entries, *at > cut_after);
            }
        }
    }

    /// (a) What a caller was told stands in the journal.
    fn judge_answered(
        &mut self,
        asked: &Asked,
        posted: &Posted,
        entries: &[Entry],
        may_be_cut: bool,
    ) {
        let told = || format!("{} {:?} {:?}", asked.service, posted.entry, posted.fault);
        match (entries.first(), posted.fault.as_deref()) {
            (None, Some("gateway.journal_down")) => self.refused_before_open += 1,
            (None, _) => self.check(false, || format!("(a) not in the journal: {}", told())),
            (Some(entry), fault) => {
                let is_same = entry.answer_digest == sha256(&posted.body)
                    && entry.fault_code == fault.unwrap_or_default()
                    && names(posted, entry)
                    && (entry.outcome == "Unknown") == fault.is_some();
                if asked.service == READ && entry.is_interrupted() && may_be_cut {
                    self.reads_without_close += 1;
                } else if asked.service == PAYMENT && fault == Some("gateway.journal_down") {
                    // Told that it is unclear; by now it may have become clear.
                    self.unclear += 1;
                    self.check(names(posted, entry), || format!("(a) {}, {entry:?}", told()));
                } else {
                    self.check(is_same, || format!("(a) told {}, kept {entry:?}", told()));
                }
            }
        }
    }

    /// (b) Nothing reached an agency without its entry, and no payment twice (c).
    pub fn judge_agencies(&mut self, house: &House, books: &Books) {
        for service in [READ, PAYMENT] {
            let mut times: HashMap<String, usize> = HashMap::new();
            for message_id in house.received(service) {
                *times.entry(message_id).or_default() += 1;
            }
            for (message_id, times) in times {
                let entries = books.of(&message_id);
                self.check(!entries.is_empty(), || {
                    format!("(b) {service} {message_id} was received and is not in the journal")
                });
                self.check(times <= entries.len(), || {
                    format!("(c) {service} {message_id} was received {times} times: {entries:?}")
                });
                self.check(times == 1 || service == READ, || {
                    format!("(c) the payment {message_id} was received {times} times")
                });
            }
        }
    }

    /// (c), (d) The same bytes again get the same answer, or what became of the first.
    pub fn judge_repeated(
        &mut self,
        house: &House,
        before: &Books,
        round: &[Asked],
        answers: &[Option<Posted>],
    ) {
        for (asked, answer) in round.iter().zip(answers) {
            self.repeated += 1;
            let Some(again) = answer else {
                self.check(false, || format!("(c) not answered again: {}", asked.message_id));
                continue;
            };
            let entry = before.of(&asked.message_id).first();
            let first = asked.answered.as_ref().map(|(posted, _)| posted);
            let is_good = match entry {
                Some(entry) if entry.is_answered() => {
                    let is_same = first.is_none_or(|first| {
                        first.fault.as_deref() == Some("gateway.journal_down")
                            || (first.http_status, &first.body) == (again.http_status, &again.body)
                    });
                    is_same && sha256(&again.body) == entry.answer_digest && names(again, entry)
                }
                Some(entry) if asked.service == PAYMENT => {
                    again.fault.as_deref() == LEFT_UNKNOWN && names(again, entry)
                }
                // A read that was left Unknown, or a call that was never let in: it is made now.
                _ => {
                    again.fault.is_none() || again.fault.as_deref() == Some("agency.unlisted_code")
                }
            };
            self.check(is_good, || {
                let (id, fault) = (&again.entry, &again.fault);
                format!("(c) again: {} {fault:?} {id:?}, first: {entry:?}", again.http_status)
            });
        }
        self.judge_agencies(house, &Books::read(house));
    }
}

fn names(posted: &Posted, entry: &Entry) -> bool {
    posted.entry.as_ref().is_some_and(|id| id.replace('-', "") == entry.id)
}

/// The ids that `unresolved` lists.
async fn unresolved(house: &House) -> HashSet<String> {
    let settings = config::load(&house.scratch.config).unwrap();
    let reader = Reader::new(&settings.journal.store).unwrap();
    let records = reader.list(Listing::Unknown, 1_000_000).await.unwrap();
    records.into_iter().map(|record| record.entry.replace('-', "")).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    qaqpa_kit::hex::lower(digest(&SHA256, bytes).as_ref())
}
