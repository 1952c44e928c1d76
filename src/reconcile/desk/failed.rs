//! Why a run did not come to its end, and what its reader does about it.

use crate::journal::JournalDown;
use crate::payments::calendar::OperatingDay;
use crate::payments::command::Refusal;
use crate::reconcile::ingest::IngestError;
use crate::reconcile::run::RunError;
use std::fmt;
use std::io;

/// Why a run did not come to its end.
#[derive(Debug)]
pub enum Failed {
    /// The bank still takes payments of that day: nothing was done.
    OpenDay {
        bank: String,
        day: OperatingDay,
        cut_off: String,
    },
    /// The register is of another day than the one that is asked for: nothing was done.
    OtherDay {
        register: OperatingDay,
        asked: OperatingDay,
    },
    /// Nothing of the files is believed; the run is refused.
    Refused {
        reason: String,
        error: Option<IngestError>,
    },
    /// The store says no.
    Store(Refusal),
    Down(JournalDown),
    Io(io::Error),
    /// A mistake of this program.
    Bug(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenDay { bank, day, cut_off } => write!(
                f,
                "the operating day {day} of {bank} is open: it takes payments until {cut_off} Astana \
                 time of that day; reconcile it after that"
            ),
            Self::OtherDay { register, asked } => {
                write!(f, "the register is of {register}, and {asked} is asked for")
            }
            Self::Refused { reason, .. } => f.write_str(reason),
            Self::Store(refusal) => f.write_str(refusal.reason()),
            Self::Down(down) => down.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Bug(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failed {}

impl From<JournalDown> for Failed {
    fn from(down: JournalDown) -> Self {
        Self::Down(down)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failed {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), error: None }
    }
}

/// What a run's own error means here.
pub(super) fn of(error: RunError) -> Failed {
    match error {
        RunError::Ingest(error @ IngestError::Refused(_)) => {
            Failed::Refused { reason: error.to_string(), error: Some(error) }
        }
        RunError::Ingest(error) => Failed::Io(io::Error::other(error.to_string())),
        RunError::Scratch(error) => Failed::Io(error),
        RunError::Partition(what) => Failed::Bug(what),
    }
}
