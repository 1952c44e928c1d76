//! The rows of reconciliation as both stores keep them: files, runs, breaks and what was done with each.

use crate::payments::calendar::OperatingDay;
use serde::{Deserialize, Serialize};

/// A file that a bank sent; its content is its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterFile {
    /// `bank/SHA-256`.
    pub id: String,
    pub bank: String,
    /// 64 hex digits.
    pub sha256: String,
    pub bytes: i64,
    /// As its sender calls it.
    pub name: String,
    pub source: Origin,
    /// The participant, or the operator.
    pub sender: String,
    /// The first run that took it in.
    pub run: String,
    pub received_at_us: i64,
}

/// How a file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Command,
    Upload,
    Folder,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Waiting,
    Running,
    Done,
    /// Nothing of its file is believed.
    Refused,
}

impl RunState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Done, Self::Refused];

    /// The word in answers and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// One reconciliation of a bank's operating day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// 32 hex digits, of the bank and its files' digests.
    pub id: String,
    pub bank: String,
    /// `None` until its register was looked at.
    pub operating_day: Option<OperatingDay>,
    pub state: RunState,
    /// That runs it, or did last.
    pub node: String,
    pub attempts: u32,
    /// Until when nobody else runs it.
    pub lease_until_us: Option<i64>,
    pub received_at_us: i64,
    pub changed_at_us: i64,
    /// Why it was refused or waits, with the cure.
    pub reason: String,
    pub journal_rows: i64,
    pub register_rows: i64,
    pub matched: i64,
    pub breaks: i64,
    /// JSON; empty until it is done.
    pub manifest: String,
    pub version: i64,
}

/// How far the work on a break has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakState {
    Open,
    /// Somebody looks after it.
    Assigned,
    /// It is known why.
    Explained,
    /// An operator proposed its end; another must approve it.
    Proposed,
    /// Ended by an entry of the ledger.
    Adjusted,
    /// Ended without one.
    WrittenOff,
    /// Ended by evidence.
    Closed,
}

impl BreakState {
    /// The word in tables and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assigned => "assigned",
            Self::Explained => "explained",
            Self::Proposed => "proposed",
            Self::Adjusted => "adjusted",
            Self::WrittenOff => "written_off",
            Self::Closed => "closed",
        }
    }

    /// Nobody has to do anything any more.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Adjusted | Self::WrittenOff | Self::Closed)
    }
}

/// How operators end a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// By an entry of the ledger.
    Adjust,
    /// As it is, without one.
    WriteOff,
    /// By evidence that no register carries.
    Close,
}

impl Resolution {
    /// The state that it ends in.
    #[must_use]
    pub const fn state(self) -> BreakState {
        match self {
            Self::Adjust => BreakState::Adjusted,
            Self::WriteOff => BreakState::WrittenOff,
            Self::Close => BreakState::Closed,
        }
    }
}

/// A difference between the two sides, from its first run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// As in the reports: the same at every run.
    pub id: String,
    pub bank: String,
    /// One of the twelve words.
    pub category: String,
    /// `journal` or `register`: the side whose row names it.
    pub side: String,
    /// The payment's id at both sides, or its receipt.
    pub item: String,
    pub since_day: OperatingDay,
    /// The day of the last run that found it, and that run.
    pub seen_day: OperatingDay,
    pub seen_run: String,
    /// Money in question.
    pub amount_tiyn: i64,
    /// The register's money less the journal's.
    pub difference_tiyn: i64,
    /// Which side must act.
    pub acts: String,
    /// The desk or the operator that looks after it.
    pub owner: String,
    /// The rule that made the pair; empty of a lone row.
    pub rule: String,
    /// The rule that failed.
    pub why: String,
    /// The nearest rows of the other side.
    pub candidates: String,
    /// In the neutral form.
    pub journal_row: Option<String>,
    pub register_row: Option<String>,
    pub state: BreakState,
    pub resolution: Option<Resolution>,
    pub debit: Option<String>,
    pub credit: Option<String>,
    pub adjusted_tiyn: Option<i64>,
    pub proposed_by: Option<String>,
    pub approved_by: Option<String>,
    pub found_at_us: i64,
    pub changed_at_us: i64,
    pub ended_day: Option<OperatingDay>,
    /// The run whose evidence ended it.
    pub ended_run: Option<String>,
    pub version: i64,
}

/// What was done with a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakStep {
    /// `break/version`.
    pub id: String,
    pub break_id: String,
    pub version: i64,
    /// `found`, `reopened`, or the state that it came to.
    pub step: String,
    /// Empty of a run.
    pub operator: String,
    pub note: String,
    /// The journal's entry; empty of a run, which has its own.
    pub entry: String,
    pub at_us: i64,
}

/// Open breaks of a bank in one category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakCount {
    pub bank: String,
    pub category: String,
    pub breaks: i64,
    pub amount_tiyn: i64,
    pub oldest_day: OperatingDay,
}

/// A row of the journal's side of an operating day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRow {
    /// The order's.
    pub id: String,
    pub end_to_end_id: String,
    pub document_number: Option<String>,
    pub txn_id: Option<String>,
    pub payer: String,
    pub payee: String,
    pub kbk: String,
    pub knp: String,
    pub amount_tiyn: i64,
    pub posted_at_us: i64,
    /// At the closing of the day, or now while it is open; as the numbers are.
    pub step: crate::payments::order::Step,
    pub state: crate::payments::order::State,
    /// It is a refund.
    pub reverses: Option<String>,
}
