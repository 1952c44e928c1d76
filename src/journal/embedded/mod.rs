//! The journal in a SQLite file: write-ahead log, every commit synced, one writer, one gateway process.

mod file;
mod read;
mod reserve;
mod sweep;
mod write;

pub(super) use file::beside;
pub(crate) use file::{StoreFile, migrate as migrate_file};
pub(crate) use read::Reader;

use super::down::{JournalDown, JournalError, Why};
use super::group::{Backing, Failed, Group, Sweep, Swept, Written};
use super::{Migrated, schema};
use file::{BUSY, down};
use reserve::Reserve;
use std::path::Path;

/// The writing side.
pub(super) struct Embedded {
    file: StoreFile,
    node: String,
    reserve: Reserve,
}

impl Embedded {
    /// Opens the file, creates or migrates its tables, and closes what an earlier life left open.
    pub(super) fn open(path: &Path, node: &str, reserve_bytes: u64) -> Result<Self, JournalError> {
        let file = StoreFile::open(path, &schema::JOURNAL)?;
        let reserve = Reserve::new(beside(path, "reserve"), reserve_bytes);
        Ok(Self { file, node: node.to_owned(), reserve })
    }

    /// Closes what this node left open; how many entries those were.
    pub(super) fn recover(&mut self, now_us: i64) -> Result<usize, JournalError> {
        let node = self.node.clone();
        let mut attempt =
            || self.transaction(|transaction| sweep::recover(transaction, &node, now_us));
        let recovered = match attempt() {
            // The reserve is kept for just this, and was released by the failure.
            Err(failed) if failed.down.why == Why::Full => attempt(),
            recovered => recovered,
        };
        recovered.map_err(|failed| JournalError::file(self.file.path(), failed.down.cause))
    }

    /// Runs one transaction; a full disk releases the reserve for the next try.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failed> {
        self.file.transaction(work).inspect_err(|failed| {
            if failed.down.why == Why::Full {
                self.reserve.release();
            }
        })
    }
}

impl Backing for Embedded {
    async fn commit(&mut self, group: &Group) -> Result<Written, Failed> {
        let node = self.node.clone();
        self.transaction(|transaction| write::group(transaction, &node, group))
    }

    fn refusal(&mut self) -> Option<JournalDown> {
        if self.reserve.is_kept() {
            return None;
        }
        let cause =
            format!("{}: the disk is full, the reserve is in use", self.file.path().display());
        Some(JournalDown::new(Why::Full, cause))
    }

    async fn sweep(&mut self, sweep: Sweep) -> Result<Swept, Failed> {
        self.transaction(|transaction| sweep::sweep(transaction, sweep))
    }
}

/// `qaqpa migrate` for a file that no gateway holds.
pub(super) fn migrate(path: &Path) -> Result<Migrated, JournalError> {
    let from = migrate_file(path, &schema::JOURNAL)?;
    Ok(Migrated { from, to: schema::JOURNAL.version, ..Migrated::default() })
}
