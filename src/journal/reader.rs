//! Reads what the journal holds, on either store, without taking part in the writing.

use super::down::{JournalDown, JournalError};
use super::entry::{CallKey, EntryId};
use super::given::Given;
use super::record::{Listing, Record};
use super::seal::Part;
use super::{embedded, postgres};
use crate::config::settings::Store;
use std::ops::Range;

/// A reader of one store; cheap to clone. Connections are made when they are first needed.
#[derive(Clone)]
pub struct Reader {
    pub(super) side: Side,
}

#[derive(Clone)]
pub(super) enum Side {
    Embedded(embedded::Reader),
    Postgres(Box<postgres::Reader>),
}

/// Calls the same reading on whichever side it is.
macro_rules! on_either {
    ($reader:expr, $side:ident => $read:expr) => {
        match &$reader.side {
            Side::Embedded($side) => $read.await,
            Side::Postgres($side) => $read.await,
        }
    };
}

impl Reader {
    /// A reader of the store.
    ///
    /// # Errors
    /// When a PostgreSQL URL cannot be read; reaching the store is tried later.
    pub fn new(store: &Store) -> Result<Self, JournalError> {
        let side = match store {
            Store::Embedded { path } => Side::Embedded(embedded::Reader::new(path)),
            Store::Postgres { url, connections_max } => {
                // One connection is the writer's.
                let readers = connections_max.saturating_sub(1).max(1);
                let target = postgres::Target::parse(url)?;
                Side::Postgres(Box::new(postgres::Reader::new(target, readers)?))
            }
        };
        Ok(Self { side })
    }

    /// All rows of one entry; `None` when there is no such entry.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn entry(&self, id: EntryId) -> Result<Option<Record>, JournalDown> {
        on_either!(self, side => side.entry(id))
    }

    /// At most `limit` entries, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn list(&self, listing: Listing, limit: u32) -> Result<Vec<Record>, JournalDown> {
        on_either!(self, side => side.list(listing, limit))
    }

    /// Calls opened in a time (Unix microseconds) that an agency answered or refused, with those that were
    /// closed within a deadline told apart. It may take minutes for a month.
    ///
    /// # Errors
    /// When the store cannot be read now.
    pub async fn given(
        &self,
        opened_us: Range<i64>,
        deadline_us: i64,
    ) -> Result<Vec<Given>, JournalDown> {
        on_either!(self, side => side.given(opened_us, deadline_us))
    }

    pub(super) async fn body(
        &self,
        id: EntryId,
        part: Part,
    ) -> Result<Option<Vec<u8>>, JournalDown> {
        on_either!(self, side => side.body(id, part))
    }

    pub(super) async fn day_key(
        &self,
        day: Option<i32>,
    ) -> Result<Option<(i32, Vec<u8>)>, JournalDown> {
        on_either!(self, side => side.day_key(day))
    }

    /// Whether anything stands under this key.
    pub(super) async fn is_known(&self, key: CallKey) -> Result<bool, JournalDown> {
        on_either!(self, side => side.is_known(key))
    }

    pub(super) async fn is_open(&self, key: CallKey) -> Result<bool, JournalDown> {
        on_either!(self, side => side.is_open(key))
    }
}
