//! One SQLite file and its one writer: lock, settings, migrations, and transactions that survive failure.

use crate::journal::down::{JournalDown, JournalError, Why};
use crate::journal::group::Failed;
use crate::journal::schema::{self, Schema};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another process may hold the file before the journal is down.
pub(super) const BUSY: Duration = Duration::from_millis(300);

/// Settings of the writing connection. A checkpoint every 2 MiB keeps the log well below the reserve:
/// on a full disk, the reserve must take what the log still holds. The cache is small, because SQLite
/// walks all of it after a commit that moved pages; what it does not hold, the kernel's cache does.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 67108864; \
     PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

/// A file beside the store: `journal.sqlite` → `journal.sqlite.master`.
pub(in crate::journal) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// A file that this process alone writes.
pub(crate) struct StoreFile {
    path: PathBuf,
    connection: Option<Connection>,
    /// Device and inode of the file that the connection has open.
    file: (u64, u64),
    _lock: File,
}

impl StoreFile {
    /// Takes the file's lock, opens it, and creates or migrates its tables.
    pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Self, JournalError> {
        let lock = lock(path)?;
        let failed = |cause| JournalError::file(path, cause);
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(failed)?;
        apply(&mut connection, path, schema)?;
        let file = identity(path);
        Ok(Self { path: path.to_owned(), connection: Some(connection), file, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs one transaction; on failure, makes ready for the next try.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
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
                    Why::Busy | Why::Full => {}
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
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
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

/// `qaqpa migrate` for a file that no gateway holds; the version found.
pub(crate) fn migrate(path: &Path, schema: &Schema) -> Result<i32, JournalError> {
    let _lock = lock(path)?;
    let failed = |cause| JournalError::file(path, cause);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(failed)?;
    apply(&mut connection, path, schema)
}

/// Brings the tables to this gateway's version; the version found.
fn apply(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<i32, JournalError> {
    let failed = |cause: rusqlite::Error| JournalError::file(path, cause);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let versions = schema.versions;
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {versions} \
         (version INTEGER NOT NULL PRIMARY KEY, applied_at_us INTEGER NOT NULL) STRICT"
    );
    transaction.execute_batch(&create).map_err(failed)?;
    let newest = format!("SELECT coalesce(max(version), 0) FROM {versions}");
    let found = transaction.query_row(&newest, (), |row| row.get(0)).map_err(failed)?;
    let (wanted, store) = (schema.version, path.display().to_string());
    if found > wanted {
        return Err(JournalError::TooNew { store, found, wanted });
    }
    for migration in schema::migrations(schema.embedded).filter(|step| step.version > found) {
        transaction.execute_batch(migration.sql).map_err(failed)?;
        let note = format!("INSERT INTO {versions} VALUES (?1, ?2)");
        transaction
            .execute(&note, (migration.version, crate::journal::now_us()))
            .map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(found)
}

/// What an error of SQLite means for the callers.
pub(super) fn down(path: &Path, error: &rusqlite::Error) -> JournalDown {
    let is_without_room = error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE);
    let why = match error.sqlite_error_code() {
        // A constraint kept the rows as they were: nothing is wrong with the file.
        Some(
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::ConstraintViolation,
        ) => Why::Busy,
        Some(ErrorCode::DiskFull) => Why::Full,
        _ if is_without_room => Why::Full,
        _ => Why::Broken,
    };
    JournalDown::new(why, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who builds elsewhere without `.cargo/config.toml` has a SQLite that syncs more than it must.
    #[test]
    fn sqlite_is_compiled_as_the_repository_says() {
        let connection = Connection::open_in_memory().unwrap();
        let used = "SELECT sqlite_compileoption_used('DEFAULT_MEMSTATUS=0')";
        assert!(connection.query_row(used, (), |row| row.get::<_, bool>(0)).unwrap());
    }
}
