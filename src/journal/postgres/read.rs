//! Reads the journal from PostgreSQL on pooled sessions, beside the writer's.

use super::connect::{ATTEMPT, Target, down};
use crate::journal::down::{JournalDown, JournalError, Why};
use crate::journal::entry::{CallKey, EntryId};
use crate::journal::given::{self, Given};
use crate::journal::record::{COLUMNS, Columns, Listing, ONE, Record};
use crate::journal::seal::Part;
use deadpool_postgres::{Object, Pool};
use std::ops::Range;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

/// How long a report over a month may take.
const REPORT: Duration = Duration::from_mins(10);

/// The reading side; cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(super) target: Target,
    pool: Pool,
}

impl Reader {
    /// A reader with at most `connections_max` sessions; they are opened when they are needed.
    pub(crate) fn new(target: Target, connections_max: usize) -> Result<Self, JournalError> {
        let pool = target.pool(connections_max)?;
        Ok(Self { target, pool })
    }

    pub(in crate::journal) async fn entry(
        &self,
        id: EntryId,
    ) -> Result<Option<Record>, JournalDown> {
        let select = format!("SELECT {COLUMNS} FROM {ONE}");
        self.first(&select, &[&id.0], Record::read).await
    }

    pub(in crate::journal) async fn list(
        &self,
        listing: Listing,
        limit: u32,
    ) -> Result<Vec<Record>, JournalDown> {
        let select = format!("SELECT {COLUMNS} FROM {} LIMIT $1", listing.tables());
        let rows = self.rows(&select, &[&i64::from(limit)]).await?;
        let records: Result<_, Error> = rows.iter().map(Record::read).collect();
        records.map_err(|error| down(&self.target, &error))
    }

    pub(in crate::journal) async fn given(
        &self,
        opened_us: Range<i64>,
        deadline_us: i64,
    ) -> Result<Vec<Given>, JournalDown> {
        let [from, until] = given::ids(&opened_us);
        let rows = self.rows_within(REPORT, given::SELECT, &[&from, &until, &deadline_us]).await?;
        let given: Result<_, Error> = rows.iter().map(Given::read).collect();
        given.map_err(|error| down(&self.target, &error))
    }

    pub(in crate::journal) async fn body(
        &self,
        id: EntryId,
        part: Part,
    ) -> Result<Option<Vec<u8>>, JournalDown> {
        let select = "SELECT sealed FROM entry_body WHERE id = $1 AND part = $2";
        self.first(select, &[&id.0, &part.word()], |row| row.try_get(0)).await
    }

    /// The wrapped key of a day, or of the newest day.
    pub(in crate::journal) async fn day_key(
        &self,
        day: Option<i32>,
    ) -> Result<Option<(i32, Vec<u8>)>, JournalDown> {
        let select = "SELECT day, wrapped FROM day_key WHERE day = coalesce($1, day) \
             ORDER BY day DESC LIMIT 1";
        self.first(select, &[&day], |row| Ok((row.try_get(0)?, row.try_get(1)?))).await
    }

    /// Whether a call is under way under this key, on whatever node.
    pub(in crate::journal) async fn is_open(&self, key: CallKey) -> Result<bool, JournalDown> {
        let select = "SELECT 1 FROM call_key k JOIN entry_under_way u ON u.id = k.entry \
             WHERE k.call_key = $1";
        let row = self.first(select, &[&key.0.as_slice()], |_| Ok(())).await?;
        Ok(row.is_some())
    }

    /// Whether anything stands under this key.
    pub(in crate::journal) async fn is_known(&self, key: CallKey) -> Result<bool, JournalDown> {
        let select = "SELECT 1 FROM call_key WHERE call_key = $1";
        let row = self.first(select, &[&key.0.as_slice()], |_| Ok(())).await?;
        Ok(row.is_some())
    }

    async fn first<T>(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, JournalDown> {
        let rows = self.rows(sql, parameters).await?;
        let first = rows.first().map(read).transpose();
        first.map_err(|error| down(&self.target, &error))
    }

    pub(crate) async fn rows(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, JournalDown> {
        self.rows_within(ATTEMPT, sql, parameters).await
    }

    async fn rows_within(
        &self,
        limit: Duration,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, JournalDown> {
        let broken =
            |cause: String| JournalDown::new(Why::Broken, format!("{}: {cause}", self.target));
        let client = self.pool.get().await.map_err(|cause| broken(cause.to_string()))?;
        let reading = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, parameters).await
        };
        let failed = match timeout(limit, reading).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => down(&self.target, &error),
            Err(_) => JournalDown::new(Why::Slow, format!("{}: no answer", self.target)),
        };
        // Whatever it is in the middle of: it does not go back into the pool.
        drop(Object::take(client));
        Err(failed)
    }
}

impl Columns for Row {
    type Error = Error;

    fn id(&self, place: usize) -> Result<EntryId, Error> {
        Ok(EntryId(self.try_get(place)?))
    }

    fn text(&self, place: usize) -> Result<Option<String>, Error> {
        self.try_get(place)
    }

    fn number(&self, place: usize) -> Result<Option<i64>, Error> {
        self.try_get(place)
    }

    fn bytes(&self, place: usize) -> Result<Option<Vec<u8>>, Error> {
        self.try_get(place)
    }
}
