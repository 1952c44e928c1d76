//! Why the journal cannot work: at the start, for people; and while it runs, for the call that asked.

use std::fmt;
use std::path::PathBuf;

/// The kinds of [`JournalDown`]; the words are metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// More calls want to be opened than the writer can gather.
    QueueFull,
    /// Another process holds the store, or the same rows, for too long.
    Busy,
    /// No answer in time.
    Slow,
    /// The disk of the store is full.
    Full,
    /// The store cannot be reached, read or written.
    Broken,
    /// The gateway is stopping.
    Stopped,
}

impl Why {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::QueueFull, Self::Busy, Self::Slow, Self::Full, Self::Broken, Self::Stopped];

    /// The word used in metrics and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Busy => "busy",
            Self::Slow => "slow",
            Self::Full => "full",
            Self::Broken => "broken",
            Self::Stopped => "stopped",
        }
    }
}

/// The journal could not do it now. What was to be opened is not opened: nothing may be sent.
#[derive(Clone, Debug)]
pub struct JournalDown {
    pub why: Why,
    /// For the log; holds no secret and nothing of a call.
    pub cause: String,
}

impl JournalDown {
    pub(crate) fn new(why: Why, cause: impl fmt::Display) -> Self {
        Self { why, cause: cause.to_string() }
    }
}

impl fmt::Display for JournalDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal is down ({}): {}", self.why.word(), self.cause)
    }
}

impl std::error::Error for JournalDown {}

/// The journal cannot start; each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{}: another gateway process holds this journal; stop it, or give this one its own file", .0.display())]
    Held(PathBuf),
    #[error(
        "node id `{0}` is in use by another gateway process on this database; every node needs its own node.id"
    )]
    NodeInUse(String),
    #[error(
        "{store}: the schema is at version {found}, this gateway needs {wanted}: run `qaqpa migrate --store {store}` as its owner"
    )]
    Schema { store: String, found: i32, wanted: i32 },
    #[error(
        "{store}: the schema is at version {found}, newer than this gateway's {wanted}: start a newer gateway"
    )]
    TooNew { store: String, found: i32, wanted: i32 },
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: String },
    #[error(
        "journal.master_key_file is needed with PostgreSQL: 32 random bytes, the same on every node (head -c 32 /dev/urandom)"
    )]
    MasterKeyMissing,
    #[error("{}: the master key is not the one that this journal's day keys were wrapped with", .0.display())]
    MasterKeyWrong(PathBuf),
    #[error("the PostgreSQL URL: {0}")]
    Url(String),
    #[error("{store}: {cause}")]
    Store { store: String, cause: String },
}

impl JournalError {
    pub(crate) fn file(path: impl Into<PathBuf>, cause: impl fmt::Display) -> Self {
        Self::File { path: path.into(), cause: cause.to_string() }
    }

    pub(crate) fn store(store: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self::Store { store: store.into(), cause: cause.to_string() }
    }
}
