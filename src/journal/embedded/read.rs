//! Reads the journal's SQLite file on a connection of its own, beside the writer.

use crate::journal::down::{JournalDown, Why};
use crate::journal::entry::{CallKey, EntryId};
use crate::journal::given::{self, Given};
use crate::journal::record::{COLUMNS, Columns, Listing, ONE, Record};
use crate::journal::seal::Part;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The reading side; cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    path: PathBuf,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl Reader {
    /// A reader of the file; it is opened when it is first needed.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), connection: Arc::default() }
    }

    pub(in crate::journal) async fn entry(
        &self,
        id: EntryId,
    ) -> Result<Option<Record>, JournalDown> {
        self.read(move |connection| {
            let select = format!("SELECT {COLUMNS} FROM {ONE}");
            let mut select = connection.prepare_cached(&select)?;
            select.query_row([id.0.as_bytes()], |row| Record::read(row)).optional()
        })
        .await
    }

    pub(in crate::journal) async fn list(
        &self,
        listing: Listing,
        limit: u32,
    ) -> Result<Vec<Record>, JournalDown> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(&selection(listing))?;
            select.query_map([limit], |row| Record::read(row))?.collect()
        })
        .await
    }

    pub(in crate::journal) async fn given(
        &self,
        opened_us: Range<i64>,
        deadline_us: i64,
    ) -> Result<Vec<Given>, JournalDown> {
        let [from, until] = given::ids(&opened_us);
        self.read(move |connection| {
            // Numbered here, because this dialect numbers `$1` by where it stands.
            let mut select = connection.prepare(&given::SELECT.replace('$', "?"))?;
            let parameters = (from.as_bytes(), until.as_bytes(), deadline_us);
            select.query_map(parameters, |row| Given::read(row))?.collect()
        })
        .await
    }

    pub(in crate::journal) async fn body(
        &self,
        id: EntryId,
        part: Part,
    ) -> Result<Option<Vec<u8>>, JournalDown> {
        self.read(move |connection| {
            let select = "SELECT sealed FROM entry_body WHERE id = ?1 AND part = ?2";
            let mut select = connection.prepare_cached(select)?;
            select.query_row((id.0.as_bytes(), part.word()), |row| row.get(0)).optional()
        })
        .await
    }

    /// The wrapped key of a day, or of the newest day.
    pub(in crate::journal) async fn day_key(
        &self,
        day: Option<i32>,
    ) -> Result<Option<(i32, Vec<u8>)>, JournalDown> {
        self.read(move |connection| {
            let select = "SELECT day, wrapped FROM day_key WHERE day = coalesce(?1, day) \
                 ORDER BY day DESC LIMIT 1";
            let mut select = connection.prepare_cached(select)?;
            select.query_row([day], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .await
    }

    /// Whether a call is under way under this key.
    pub(in crate::journal) async fn is_open(&self, key: CallKey) -> Result<bool, JournalDown> {
        self.read(move |connection| {
            let select = "SELECT EXISTS (SELECT 1 FROM call_key k \
                 JOIN entry_under_way u ON u.id = k.entry WHERE k.call_key = ?1)";
            connection.prepare_cached(select)?.query_row([key.0], |row| row.get(0))
        })
        .await
    }

    /// Whether anything stands under this key.
    pub(in crate::journal) async fn is_known(&self, key: CallKey) -> Result<bool, JournalDown> {
        self.read(move |connection| {
            let select = "SELECT EXISTS (SELECT 1 FROM call_key WHERE call_key = ?1)";
            connection.prepare_cached(select)?.query_row([key.0], |row| row.get(0))
        })
        .await
    }

    /// Reads on a thread that may block; a connection that failed is opened anew next time.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalDown> {
        let reader = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut kept = reader.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let result = match &mut *kept {
                Some(connection) => work(connection),
                none => connect(&reader.path).and_then(|made| work(none.insert(made))),
            };
            result.map_err(|error| {
                *kept = None;
                super::down(&reader.path, &error)
            })
        });
        task.await.unwrap_or_else(|cause| Err(JournalDown::new(Why::Stopped, cause)))
    }
}

fn selection(listing: Listing) -> String {
    format!("SELECT {COLUMNS} FROM {} LIMIT $1", listing.tables())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(super::BUSY)?;
    Ok(connection)
}

impl Columns for Row<'_> {
    type Error = rusqlite::Error;

    fn id(&self, place: usize) -> rusqlite::Result<EntryId> {
        Ok(EntryId(uuid::Uuid::from_bytes(self.get(place)?)))
    }

    fn text(&self, place: usize) -> rusqlite::Result<Option<String>> {
        self.get(place)
    }

    fn number(&self, place: usize) -> rusqlite::Result<Option<i64>> {
        self.get(place)
    }

    fn bytes(&self, place: usize) -> rusqlite::Result<Option<Vec<u8>>> {
        self.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::schema;

    /// What SQLite does for a listing, step by step, outermost first.
    fn steps(listing: Listing) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        super::super::migrate_file(&path, &schema::JOURNAL).unwrap();
        let connection = connect(&path).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {}", selection(listing));
        let mut explain = connection.prepare(&explain).unwrap();
        let steps = explain.query_map([1], |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect()
    }

    /// The clerk asks every second, whatever the journal holds.
    #[test]
    fn no_listing_reads_a_whole_table() {
        for listing in [Listing::Open, Listing::Unknown, Listing::UnknownOrders] {
            let steps = steps(listing);
            let is_whole = |step: &&String| {
                let is_few = ["SCAN w", "SCAN u"].contains(&step.as_str());
                step.starts_with("SCAN") && !step.contains("INDEX") && !is_few
            };
            assert_eq!(steps.iter().find(is_whole), None, "{listing:?}: {steps:?}");
        }
    }

    /// However many were ever Unknown: those that nothing was found out about lead to all that is read, and
    /// so do those that have not ended.
    #[test]
    fn a_listing_of_what_waits_reads_only_what_waits() {
        for (listing, first) in [
            (Listing::Open, "SCAN u"),
            (Listing::Unknown, "SCAN w"),
            (
                Listing::UnknownOrders,
                "SEARCH w USING COVERING INDEX entry_waiting_service (service=?)",
            ),
        ] {
            let steps = steps(listing);
            let (begins, rest) = steps.split_first().unwrap();
            assert_eq!(begins, first, "{steps:?}");
            let is_looked_up = |step: &String| step.contains("USING PRIMARY KEY (id=?)");
            assert!(rest.iter().all(is_looked_up), "sorted or read whole: {steps:?}");
        }
    }
}
