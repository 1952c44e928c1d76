//! What one commit gathers: the jobs of callers, and what the store says of them.

use super::down::JournalDown;
use super::entry::{CallKey, Closed, EntryId, Opened, Resolution, Resolved, SameCall};
use super::measure::Measure;
use super::same_call::Found;
use super::stats::Stats;
use qaqpa_kit::fault::{Outcome, Phase};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Tells the asker.
pub(super) type Answer<T> = oneshot::Sender<Result<T, JournalDown>>;

/// A call wants to be let in.
pub(super) struct Open {
    pub opened: Opened,
    pub same_call: SameCall,
    /// The request, sealed; kept by policy.
    pub request: Option<Vec<u8>>,
    pub answer: Answer<Granted>,
}

/// A call has ended. Never refused, and written again until it is durable.
pub(super) struct Close {
    /// Without its answer, which is below, sealed.
    pub closed: Closed,
    pub key_end: KeyEnd,
    pub answer_bytes: u64,
    pub needs_evidence: bool,
    /// The caller's answer, sealed: for the body, by policy, and for the same call.
    pub sealed: Option<Vec<u8>>,
    pub is_body_kept: bool,
    pub answer: Option<Answer<()>>,
}

/// What the end of a call makes of its key, beyond what the end itself tells whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyEnd {
    /// The answer is kept: as the entry's body, or else with the key.
    Answered,
    /// The key stays as it is; or there is none.
    Untouched,
    Released,
}

impl KeyEnd {
    pub(super) fn of(closed: &Closed, is_remembered: bool) -> Self {
        match closed.outcome {
            _ if !is_remembered => Self::Untouched,
            Outcome::Unknown => Self::Untouched,
            _ if closed.is_stored() => Self::Answered,
            _ => Self::Released,
        }
    }
}

impl Close {
    /// The sealed answer, where the same call gets it again and the body is not kept anyway.
    pub(super) fn stored(&self) -> Option<&[u8]> {
        let is_stored = self.key_end == KeyEnd::Answered && !self.is_body_kept;
        if is_stored { self.sealed.as_deref() } else { None }
    }

    /// The sealed answer, where the policy keeps bodies.
    pub(super) fn body(&self) -> Option<&[u8]> {
        if self.is_body_kept { self.sealed.as_deref() } else { None }
    }
}

/// A refusal before `open`: both rows at once, no key.
pub(super) struct Record {
    pub opened: Opened,
    pub closed: Closed,
}

/// An opening that may have been committed, but that nobody carries: it is closed as Refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    pub id: EntryId,
    pub key: CallKey,
}

/// A new day's key, wrapped.
pub(super) struct NewDayKey {
    pub day: i32,
    pub wrapped: Vec<u8>,
    pub answer: Answer<Vec<u8>>,
}

/// Evidence about an entry left Unknown.
pub(super) struct Resolve {
    pub resolved: Resolved,
    pub answer: Answer<Resolution>,
}

/// Work that does not wait in the bounded queue of opens.
pub(super) enum Job {
    Close(Box<Close>),
    Record(Box<Record>),
    Undo(Undo),
    DayKey(NewDayKey),
    Resolve(Resolve),
}

impl Job {
    /// Nobody waits for it: it may wait for a group that is committed anyway.
    pub(super) fn may_ride(&self) -> bool {
        match self {
            Self::Close(close) => close.answer.is_none(),
            Self::Record(_) => true,
            Self::Undo(_) | Self::DayKey(_) | Self::Resolve(_) => false,
        }
    }
}

/// What the writer is sent beside opens.
pub(super) enum Order {
    Do(Job),
    /// End by this moment; answers with the number of jobs that could not be written.
    Stop(Instant, oneshot::Sender<usize>),
}

/// What `open` gets back. Dropped without [`Granted::take`], a fresh opening undoes itself: so a
/// caller that gave up while it waited leaves no entry open and no key held.
pub(super) struct Granted {
    found: Option<Found>,
    undo: Undo,
    jobs: mpsc::WeakUnboundedSender<Order>,
}

impl Granted {
    pub(super) fn new(found: Found, undo: Undo, jobs: mpsc::WeakUnboundedSender<Order>) -> Self {
        Self { found: Some(found), undo, jobs }
    }

    pub(super) fn take(mut self) -> Option<Found> {
        self.found.take()
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if self.found == Some(Found::Fresh)
            && let Some(jobs) = self.jobs.upgrade()
        {
            // Refused only when the writer has ended: then the next start closes the entry.
            let _stopped = jobs.send(Order::Do(Job::Undo(self.undo)));
        }
    }
}

/// What one commit writes: all of it, or nothing.
#[derive(Default)]
pub(super) struct Group {
    pub opens: Vec<Open>,
    pub closes: Vec<Close>,
    pub records: Vec<Record>,
    pub undos: Vec<Undo>,
    pub day_keys: Vec<NewDayKey>,
    pub resolves: Vec<Resolve>,
    /// Keys that have expired by then may be forgotten with it.
    pub now_us: i64,
    bytes: usize,
}

impl Group {
    /// An empty one, which forgets what has expired by then.
    pub(super) fn at(now_us: i64) -> Self {
        Self { now_us, ..Self::default() }
    }

    /// How many jobs it holds.
    pub(super) fn len(&self) -> usize {
        self.opens.len()
            + self.closes.len()
            + self.records.len()
            + self.undos.len()
            + self.day_keys.len()
            + self.resolves.len()
    }

    /// No more ends of entries go in.
    pub(super) fn is_full(&self, measure: Measure) -> bool {
        self.len() >= measure.jobs() || self.bytes >= measure.bytes()
    }

    /// More opens go in; ends of entries never crowd them out.
    pub(super) fn has_room(&self, measure: Measure) -> bool {
        self.opens.len() < measure.jobs() && self.bytes < 2 * measure.bytes()
    }

    /// Bytes of the bodies in it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn open(&mut self, open: Open) {
        self.bytes += open.request.as_ref().map_or(0, Vec::len);
        self.opens.push(open);
    }

    pub(super) fn job(&mut self, job: Job) {
        match job {
            Job::Close(close) => {
                self.bytes += close.sealed.as_ref().map_or(0, Vec::len);
                self.closes.push(*close);
            }
            Job::Record(record) => self.records.push(*record),
            Job::Undo(undo) => self.undos.push(undo),
            Job::DayKey(day_key) => self.day_keys.push(day_key),
            Job::Resolve(resolve) => self.resolves.push(resolve),
        }
    }
}

/// What the store says of a committed group, each list in the group's order.
#[derive(Default)]
pub(super) struct Written {
    /// `None`: too many others want the same key at this moment.
    pub found: Vec<Option<Found>>,
    pub resolutions: Vec<Resolution>,
    /// The wrapped keys as stored, ours or the one that was there before.
    pub day_keys: Vec<Vec<u8>>,
    /// Bytes of stored answers that were forgotten with their keys.
    pub forgotten_bytes: usize,
}

/// A group that was not committed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub down: JournalDown,
    /// It may have been committed after all: the connection broke while we waited for the answer.
    pub is_doubtful: bool,
}

impl From<JournalDown> for Failed {
    fn from(down: JournalDown) -> Self {
        Self { down, is_doubtful: false }
    }
}

/// What a sweep has to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    /// What has expired by then is dropped.
    pub now_us: i64,
    /// Bytes of stored answers that may be kept.
    pub bytes_max: u64,
    /// How many are kept, as far as they were counted along; `None`: they are to be counted anew.
    pub bytes_known: Option<u64>,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swept {
    /// Bytes of stored answers that remain.
    pub answers_bytes: u64,
    /// There is more to sweep.
    pub is_more: bool,
}

/// A store behind the writer.
pub(super) trait Backing {
    /// Writes the group in one transaction and returns when it is durable. An empty group is a probe.
    async fn commit(&mut self, group: &Group) -> Result<Written, Failed>;

    /// Why opens must wait although closes work: the disk is full. Tries to heal it.
    fn refusal(&mut self) -> Option<JournalDown>;

    /// Drops some of what has expired, and of the answers beyond what may be kept those of idempotent services
    /// first, the oldest first. No call shall wait long for it.
    async fn sweep(&mut self, sweep: Sweep) -> Result<Swept, Failed>;
}

/// The phases reached, as the store keeps them: `receive=120 identify=140`.
pub(super) fn phases_text(closed: &Closed) -> String {
    let mut text = String::with_capacity(128);
    for (phase, end_us) in Phase::ALL.iter().zip(closed.phase_us) {
        if end_us > 0 {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(phase.word());
            text.push('=');
            text.push_str(&end_us.to_string());
        }
    }
    text
}

/// A digest for the store: NULL where there was none.
pub(super) fn digest(digest: &[u8; 32]) -> Option<&[u8]> {
    if digest == &[0; 32] { None } else { Some(digest) }
}

/// Counts what a committed group wrote.
pub(super) fn count(group: &Group, written: &Written, stats: &Stats) {
    let fresh = written.found.iter().filter(|found| **found == Some(Found::Fresh)).count();
    let stored =
        written.found.iter().filter(|found| matches!(found, Some(Found::Stored { .. }))).count();
    stats.opened.add(fresh + group.records.len());
    stats.closed.add(group.closes.len() + group.records.len() + group.undos.len());
    stats.unknown.add(group.closes.iter().filter(|close| close.needs_evidence).count());
    stats.stored_given.add(stored);
    stats.undone.add(group.undos.len());
    let answers = group.closes.iter().filter_map(Close::stored).map(<[u8]>::len).sum();
    stats.answers_bytes.add(answers);
    // The first groups of a life may forget what was not counted yet.
    let kept = stats.answers_bytes.read().saturating_sub(written.forgotten_bytes as u64);
    stats.answers_bytes.set(kept);
    stats.group_rows.observe((fresh + group.closes.len() + group.records.len()) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::entry::EntryId;

    #[test]
    fn a_fresh_opening_that_nobody_takes_undoes_itself_and_only_that() {
        let (orders, mut received) = mpsc::unbounded_channel();
        let undo = Undo { id: EntryId::at(1_000), key: CallKey([1; 32]) };
        let grant = |found| Granted::new(found, undo, orders.downgrade());
        assert_eq!(grant(Found::Fresh).take(), Some(Found::Fresh));
        drop(grant(Found::InFlight { entry: undo.id }));
        assert!(received.try_recv().is_err());
        drop(grant(Found::Fresh));
        assert!(
            matches!(received.try_recv(), Ok(Order::Do(Job::Undo(sent))) if sent.id == undo.id)
        );
    }

    #[test]
    fn ends_of_entries_never_crowd_opens_out_of_a_group() {
        let mut group = Group::default();
        for _ in 0..10 {
            group.job(Job::Undo(Undo { id: EntryId::at(1_000), key: CallKey([1; 32]) }));
        }
        assert!(group.is_full(Measure::new(10)) && !group.is_full(Measure::new(11)));
        assert!(group.has_room(Measure::new(1)));
        group.bytes = 2 * Measure::new(1).bytes();
        assert!(!group.has_room(Measure::new(1)));
    }
}
