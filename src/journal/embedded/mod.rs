//! The journal in a SQLite file: write-ahead log, every commit synced, one writer, one gateway process.

mod read;
mod reserve;
mod write;

pub(super) use read::Reader;

use super::down::{JournalDown, JournalError, Why};
use super::group::{Backing, Failed, Group, Swept, Written};
use super::{Migrated, schema};
use reserve::Reserve;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another process may hold the file before the journal is down.
const BUSY: Duration = Duration::from_millis(300);

/// Settings of the writing connection. A checkpoint every 4 MiB keeps the log well below the reserve:
/// on a full disk, the reserve must take what the log still holds. The cache is small, because SQLite
/// walks all of it after a commit that moved pages; what it does not hold, the kernel's cache does.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864; \
     PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

/// A file beside the store: `journal.sqlite` → `journal.sqlite.master`.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// The writing side.
pub(super) struct Embedded {
    path: PathBuf,
    node: String,
    connection: Option<Connection>,
    /// Device and inode of the file that the connection has open.
    file: (u64, u64),
    reserve: Reserve,
    _lock: File,
}

impl Embedded {
    /// Opens the file, creates or migrates its tables, and closes what an earlier life left open.
    pub(super) fn open(path: &Path, node: &str, reserve_bytes: u64) -> Result<Self, JournalError> {
        let lock = lock(path)?;
        let failed = |cause| JournalError::file(path, cause);
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(failed)?;
        apply(&mut connection, path)?;
        let reserve = Reserve::new(beside(path, "reserve"), reserve_bytes);
        let file = identity(path);
        let (path, node) = (path.to_owned(), node.to_owned());
        Ok(Self { path, node, connection: Some(connection), file, reserve, _lock: lock })
    }

    /// Closes what this node left open; how many entries those were.
    pub(super) fn recover(&mut self, now_us: i64) -> Result<usize, JournalError> {
        let node = self.node.clone();
        let mut attempt =
            || self.transaction(|transaction| write::recover(transaction, &node, now_us));
        let recovered = match attempt() {
            // The reserve is kept for just this, and was released by the failure.
            Err(failed) if failed.down.why == Why::Full => attempt(),
            recovered => recovered,
        };
        recovered.map_err(|failed| JournalError::file(&self.path, failed.down.cause))
    }

    /// Runs one transaction; on failure, makes ready for the next try.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failed> {
        if self.connection.is_some() && identity(&self.path) != self.file {
            // Evidence that nobody would find again: stop until the file is back.
            self.connection = None;
            let cause = format!("{}: the file was moved or removed", self.path.display());
            return Err(JournalDown::new(Why::Broken, cause).into());
        }
        match self.attempt(work) {
            Ok(value) => Ok(value),
            Err(error) => {
                let down = down(&self.path, &error);
                match down.why {
                    Why::Busy => {}
                    Why::Full => self.reserve.release(),
                    // Whatever happened to the file: look at it anew.
                    _ => self.connection = None,
                }
                let is_doubtful = down.why != Why::Busy;
                Err(Failed { down, is_doubtful })
            }
        }
    }

    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        // A file that has vanished is not created anew: that would lose the evidence silently.
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let connection = connect(&self.path, OpenFlags::empty())?;
                self.file = identity(&self.path);
                none.insert(connection)
            }
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
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
        let cause = format!("{}: the disk is full, the reserve is in use", self.path.display());
        Some(JournalDown::new(Why::Full, cause))
    }

    async fn sweep(&mut self, now_us: i64, answers_bytes_max: u64) -> Result<Swept, Failed> {
        self.transaction(|transaction| write::sweep(transaction, now_us, answers_bytes_max))
    }
}

/// Which file stands at the path; (0, 0) for none.
fn identity(path: &Path) -> (u64, u64) {
    std::fs::metadata(path).map_or((0, 0), |file| (file.dev(), file.ino()))
}

/// One gateway process a file: the kernel frees the lock however the process ends.
fn lock(path: &Path) -> Result<File, JournalError> {
    let file = beside(path, "lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file)
        .map_err(|cause| JournalError::file(&file, cause))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::Held(path.to_owned())),
        Err(TryLockError::Error(cause)) => Err(JournalError::file(&file, cause)),
    }
}

fn connect(path: &Path, create: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(PRAGMAS)?;
    Ok(connection)
}

/// `qaqpa migrate` for a file that no gateway holds.
pub(super) fn migrate(path: &Path) -> Result<Migrated, JournalError> {
    let _lock = lock(path)?;
    let failed = |cause| JournalError::file(path, cause);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(failed)?;
    let from = apply(&mut connection, path)?;
    Ok(Migrated { from, to: schema::VERSION, ..Migrated::default() })
}

/// Brings the tables to this gateway's version; the version found.
fn apply(connection: &mut Connection, path: &Path) -> Result<i32, JournalError> {
    let failed = |cause: rusqlite::Error| JournalError::file(path, cause);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    transaction
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_version \
             (version INTEGER NOT NULL PRIMARY KEY, applied_at_us INTEGER NOT NULL) STRICT",
        )
        .map_err(failed)?;
    let found = version(&transaction).map_err(failed)?;
    let (wanted, store) = (schema::VERSION, path.display().to_string());
    if found > wanted {
        return Err(JournalError::TooNew { store, found, wanted });
    }
    for migration in schema::migrations(schema::EMBEDDED).filter(|step| step.version > found) {
        transaction.execute_batch(migration.sql).map_err(failed)?;
        transaction
            .execute(
                "INSERT INTO schema_version VALUES (?1, ?2)",
                (migration.version, super::now_us()),
            )
            .map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection
        .query_row("SELECT coalesce(max(version), 0) FROM schema_version", (), |row| row.get(0))
}

/// What an error of SQLite means for the callers.
fn down(path: &Path, error: &rusqlite::Error) -> JournalDown {
    let is_without_room = error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE);
    let why = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Why::Busy,
        Some(ErrorCode::DiskFull) => Why::Full,
        _ if is_without_room => Why::Full,
        _ => Why::Broken,
    };
    JournalDown::new(why, format!("{}: {error}", path.display()))
}
