//! Who and what the rows of payments name: parties by IIN or BIN, orders and charges by id.

use crate::journal::entry::EntryId;
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::ids::{Bin, IdError, Iin};
use qaqpa_kit::redact;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Builder;

/// The digits of an IIN or a BIN, shown masked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Party(String);

impl Party {
    /// Reads an IIN or a BIN with its check digit.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        Self::read(text, true)
    }

    /// The same; with `checked` off, any twelve digits will do.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(text: &str, checked: bool) -> Result<Self, IdError> {
        match Iin::parse(text, checked) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Bin::parse(text, checked).map(Self::from).map_err(|_| error),
        }
    }

    /// All twelve digits: never for a log.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl From<Iin> for Party {
    fn from(iin: Iin) -> Self {
        Self(iin.digits())
    }
}

impl From<Bin> for Party {
    fn from(bin: Bin) -> Self {
        Self(bin.digits())
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::ids(&self.0))
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Party({self})")
    }
}

/// Identity of an order or a charge: the text of a UUID version 7, so that ids sort by time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// A new id whose time is `unix_us`.
    #[must_use]
    pub fn at(unix_us: i64) -> Self {
        Self(EntryId::at(unix_us).to_string())
    }

    /// The id of what a bank's event brings about, whose time is `unix_us`: whoever hears the event, and
    /// however often it is decided, makes the same.
    pub(in crate::payments) fn of_event(unix_us: i64, bank: &str, event_id: &str) -> Self {
        let unix_ms = u64::try_from(unix_us / 1_000).unwrap_or(0);
        let digest = digest(&SHA256, format!("{bank}/{event_id}").as_bytes());
        let own = digest.as_ref().first_chunk().copied().unwrap_or_default();
        Self(Builder::from_unix_timestamp_millis(unix_ms, &own).into_uuid().to_string())
    }

    /// What an adjustment's entry stands beside: a break, as an order beside its transfers.
    pub(in crate::payments) fn of_break(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// As written; empty for what is no UUID.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Id {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|id: EntryId| Self(id.to_string()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
