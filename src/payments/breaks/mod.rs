//! Reconciliation in the store of payments: runs, files, breaks, and the work on each until its end.
//!
//! What a run finds and what operators do are commands like any other: decided by pure rules, written
//! in one transaction with the ledger's entry where there is one. Nobody ends a break alone: that is a
//! rule here, and once more in the database.

mod decide;
pub mod questions;
pub mod record;
mod work;

pub(super) use decide::{decide, want, want_more};

use super::calendar::OperatingDay;
use super::command::is_clean;
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::hex;
use record::{Break, Origin, Resolution, Run};

/// Breaks in one command.
pub const BREAKS_MAX: usize = 500;
/// Bytes of a manifest.
const MANIFEST_BYTES_MAX: usize = 256 * 1_024;
/// Bytes of an operator's name.
const OPERATOR_BYTES_MAX: usize = 64;

/// Files that a bank sent, and the run that takes them in.
#[derive(Clone, Debug)]
pub struct Taking {
    pub run: String,
    pub bank: String,
    /// The operating day, where its sender names one.
    pub day: Option<OperatingDay>,
    /// SHA-256 (64 hex digits), bytes and name of each.
    pub files: Vec<(String, i64, String)>,
    pub source: Origin,
    /// The participant, or the operator.
    pub sender: String,
    pub at_us: i64,
}

/// A difference as a run has found it.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: String,
    pub category: String,
    pub side: String,
    pub item: String,
    pub since_day: OperatingDay,
    pub amount_tiyn: i64,
    pub difference_tiyn: i64,
    pub acts: String,
    pub owner: String,
    pub rule: String,
    pub why: String,
    pub candidates: String,
    pub journal_row: Option<String>,
    pub register_row: Option<String>,
    /// It has found its other half already.
    pub is_closed: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub journal_rows: i64,
    pub register_rows: i64,
    pub matched: i64,
    pub breaks: i64,
    /// JSON.
    pub manifest: String,
}

/// What an operator does with a break.
#[derive(Clone, Debug)]
pub enum Doing {
    Assign {
        owner: String,
    },
    Explain,
    /// Another operator must approve it.
    Propose {
        resolution: Resolution,
        entry: Option<Entry>,
    },
    Approve,
}

/// An entry of the ledger; without one, an adjustment gets the one that its category asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub debit: String,
    pub credit: String,
    pub amount_tiyn: i64,
}

/// A step of an operator.
#[derive(Clone, Debug)]
pub struct Stepping {
    pub break_id: String,
    pub doing: Doing,
    pub operator: String,
    /// Why; never empty.
    pub note: String,
    /// The journal's entry of this step.
    pub journal_entry: String,
    pub at_us: i64,
}

/// Everything that changes reconciliation.
#[derive(Clone, Debug)]
pub enum Command {
    /// A run waits, unless its file came before.
    Take(Taking),
    /// A node takes a run on; nobody else does until the lease ends.
    Begin {
        run: String,
        node: String,
        at_us: i64,
        until_us: i64,
    },
    /// The day that a run is of, fixed by its register; or it waits again, with a reason.
    Look {
        run: String,
        day: OperatingDay,
        waits: Option<String>,
        at_us: i64,
    },
    /// What a run has found, at most [`BREAKS_MAX`] at once.
    Record {
        run: String,
        found: Vec<Found>,
        at_us: i64,
    },
    /// Breaks that this run did not find again: evidence has ended them.
    End {
        run: String,
        breaks: Vec<String>,
        at_us: i64,
    },
    Finish {
        run: String,
        totals: Totals,
        at_us: i64,
    },
    Refuse {
        run: String,
        reason: String,
        at_us: i64,
    },
    Step(Stepping),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The run as it is now, and whether this changed it.
    Run(Box<Run>, bool),
    Break(Box<Break>),
    /// Breaks that were written.
    Breaks(usize),
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    NoRun,
    NoBreak,
    /// Another node runs it now.
    Busy,
    /// The file belongs to another run of this bank's.
    OtherRun,
    /// The day of a run is another.
    OtherDay,
    /// It has ended, or this step does not follow its state.
    NotNow,
    /// Whoever proposed an end does not approve it.
    SameOperator,
    /// Who proposed an end has proved who they are by a key, and who approves it has not.
    NotProved,
    /// No name of an operator: 1 to 64 small letters, digits, dots, `@`, `_`, `-`.
    NoOperator,
    /// No such account of this bank's breaks, or both the same, or no amount.
    BadEntry,
    /// The category asks for no entry of its own: debit, credit and amount must be named.
    EntryMissing,
}

impl Refused {
    /// The public reason.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoRun => "no_such_run",
            Self::NoBreak => "no_such_break",
            Self::Busy => "run_under_way",
            Self::OtherRun => "file_of_another_run",
            Self::OtherDay => "day_of_another_run",
            Self::NotNow => "not_in_this_state",
            Self::SameOperator => "same_operator",
            Self::NotProved => "operator_not_proved",
            Self::NoOperator => "operator_malformed",
            Self::BadEntry => "entry_malformed",
            Self::EntryMissing => "entry_missing",
        }
    }
}

/// The id of a run: 32 hex digits of SHA-256 over the bank and its files' digests, in whatever order.
#[must_use]
pub fn run_id(bank: &str, digests: &[String]) -> String {
    let mut digests: Vec<&str> = digests.iter().map(String::as_str).collect();
    digests.sort_unstable();
    digests.dedup();
    let mut hash = Context::new(&SHA256);
    for part in ["qaqpa-run-1", bank].into_iter().chain(digests) {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::lower(hash.finish().as_ref().get(..16).unwrap_or_default())
}

/// What the names of operators begin with whose key has proved who they are. Nobody can say such a name.
pub const PROVED: &str = "cert.";

/// Whether this can be the name of an operator. Capital letters are none, so that one name has one form.
#[must_use]
pub fn is_operator(name: &str) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".@_-".contains(&byte);
    (1..=OPERATOR_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_letter)
}

impl Command {
    /// Whether every text is short and free of NUL.
    pub(super) fn is_clean(&self) -> bool {
        match self {
            Self::Take(taking) => {
                let files = taking.files.iter().flat_map(|(sha256, _, name)| [sha256, name]);
                let texts = [&taking.run, &taking.bank, &taking.sender];
                (1..=BREAKS_MAX).contains(&taking.files.len())
                    && texts.into_iter().chain(files).all(|text| is_clean(text))
            }
            Self::Begin { run, node, .. } => is_clean(run) && is_clean(node),
            Self::Look { run, waits, .. } => is_clean(run) && waits.as_deref().is_none_or(is_clean),
            Self::Record { run, found, .. } => {
                let is_short = |found: &Found| {
                    let rows = [&found.journal_row, &found.register_row].into_iter().flatten();
                    let words = [&found.id, &found.category, &found.side, &found.item, &found.acts];
                    let more = [&found.owner, &found.rule, &found.why, &found.candidates];
                    rows.chain(words).chain(more).all(|text| is_clean(text))
                };
                is_clean(run) && found.len() <= BREAKS_MAX && found.iter().all(is_short)
            }
            Self::End { run, breaks, .. } => {
                is_clean(run)
                    && breaks.len() <= BREAKS_MAX
                    && breaks.iter().all(|text| is_clean(text))
            }
            Self::Finish { run, totals, .. } => {
                let manifest = &totals.manifest;
                is_clean(run) && manifest.len() <= MANIFEST_BYTES_MAX && !manifest.contains('\0')
            }
            Self::Refuse { run, reason, .. } => is_clean(run) && is_clean(reason),
            Self::Step(step) => {
                let doing = match &step.doing {
                    Doing::Assign { owner } => vec![owner],
                    Doing::Propose { entry: Some(entry), .. } => {
                        vec![&entry.debit, &entry.credit]
                    }
                    Doing::Explain | Doing::Approve | Doing::Propose { entry: None, .. } => {
                        Vec::new()
                    }
                };
                let texts = [&step.break_id, &step.operator, &step.note, &step.journal_entry];
                texts.into_iter().chain(doing).all(|text| is_clean(text))
            }
        }
    }
}
