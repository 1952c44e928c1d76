//! The journal in a PostgreSQL cluster: one writing session a node, any number of nodes.
//!
//! The session holds an advisory lock of its node's id. That keeps a second process from using the
//! id, and it fences: a new session gets the lock only when the old one has ended, so nothing that
//! an abandoned session still had under way can be committed behind our back.

mod claim;
mod connect;
mod lease;
mod migrate;
mod read;
mod sweep;
mod write;

pub(crate) use connect::{ATTEMPT, Target, down, told};
pub(super) use migrate::migrate;
pub(crate) use migrate::migrate_schema;
pub(crate) use read::Reader;

use super::down::{JournalDown, JournalError, Why};
use super::group::{Backing, Failed, Group, Sweep, Swept, Written};
use super::schema::{self, Schema};
use aws_lc_rs::digest::{SHA256, digest};
use deadpool_postgres::ClientWrapper;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

/// How long a start waits for the session of this node's earlier life to end.
const TAKEOVER: Duration = Duration::from_secs(3);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// What a start may take: recovery of what was open included.
const START: Duration = Duration::from_secs(10);
/// Slowest cluster on which a group of large bodies is still waited for.
const BYTES_PER_MS: usize = 10_000;

/// The writing side of one node.
pub(super) struct Postgres {
    target: Target,
    node: String,
    session: Option<ClientWrapper>,
    /// The server process of our last session, which may still live.
    last_process: Option<i32>,
}

impl Postgres {
    /// Connects, and checks the schema's version and that nobody else uses this node's id.
    pub(super) async fn open(target: Target, node: &str) -> Result<Self, JournalError> {
        let mut opened = Self { target, node: node.to_owned(), session: None, last_process: None };
        let store = opened.target.to_string();
        let late = |_| JournalError::store(&store, "no answer");
        let failed = |cause: Error| JournalError::store(&store, told(&cause));
        let client = timeout(START, opened.target.session()).await.map_err(late)?;
        let client = client.map_err(failed)?;
        let checked = timeout(START, check_schema(&client, &opened.target, &schema::JOURNAL));
        checked.await.map_err(late)??;
        let until = Instant::now() + TAKEOVER;
        let is_ours = timeout(START, opened.prepare(&client, until)).await.map_err(late)?;
        if !is_ours.map_err(failed)? {
            return Err(JournalError::NodeInUse(node.to_owned()));
        }
        opened.session = Some(client);
        Ok(opened)
    }

    /// Closes what this node left open; how many entries those were.
    pub(super) async fn recover(&mut self, now_us: i64) -> Result<usize, JournalError> {
        let store = self.target.to_string();
        let Some(client) = &mut self.session else { return Ok(0) };
        match timeout(START, sweep::recover(client, &self.node, now_us)).await {
            Ok(Ok(interrupted)) => Ok(interrupted),
            Ok(Err(error)) => Err(JournalError::store(store, told(&error))),
            Err(_) => Err(JournalError::store(store, "no answer")),
        }
    }

    /// Takes the node's lock and prepares the statements; false when another holds the lock at `until`.
    async fn prepare(&mut self, client: &ClientWrapper, until: Instant) -> Result<bool, Error> {
        // Durable means at least: on this server's disk.
        client
            .batch_execute(
                "SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off'",
            )
            .await?;
        if let Some(process) = self.last_process {
            // Of another server the same number may be anybody's process, but not with this lock.
            let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
                 AND pid = $1 AND ((classid::bigint << 32) | objid::bigint) = $2";
            client.execute(end, &[&process, &lock_number(&self.node)]).await?;
        }
        let lock = "SELECT pg_try_advisory_lock($1), pg_backend_pid()";
        let lock = client.prepare_cached(lock).await?;
        loop {
            let row = client.query_one(&lock, &[&lock_number(&self.node)]).await?;
            if row.try_get(0)? {
                self.last_process = Some(row.try_get(1)?);
                break;
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            sleep(LOCK_PAUSE).await;
        }
        for sql in write::STATEMENTS {
            client.prepare_cached(sql).await?;
        }
        Ok(true)
    }

    async fn attempt(
        &mut self,
        group: &Group,
        may_be_committed: &mut bool,
    ) -> Result<Written, JournalDown> {
        self.connect().await?;
        let Some(client) = &self.session else { return Ok(Written::default()) };
        let written = if group.len() == 0 {
            client.batch_execute("SELECT 1").await.map(|()| Written::default())
        } else {
            write::group(client, &self.node, group, may_be_committed).await
        };
        written.map_err(|error| down(&self.target, &error))
    }

    /// Connects anew where there is no living session.
    async fn connect(&mut self) -> Result<(), JournalDown> {
        if self.session.as_ref().is_some_and(|session| !session.is_closed()) {
            return Ok(());
        }
        self.session = None;
        let target = self.target.clone();
        let failed = |error: Error| down(&target, &error);
        let client = target.session().await.map_err(failed)?;
        if !self.prepare(&client, Instant::now() + ATTEMPT / 2).await.map_err(failed)? {
            let cause = format!("{target}: the node's last session has not ended yet");
            return Err(JournalDown::new(Why::Busy, cause));
        }
        self.session = Some(client);
        Ok(())
    }
}

impl Backing for Postgres {
    async fn commit(&mut self, group: &Group) -> Result<Written, Failed> {
        let patience_ms = u64::try_from(group.bytes() / BYTES_PER_MS).unwrap_or(u64::MAX);
        let limit = ATTEMPT + Duration::from_millis(patience_ms);
        let mut may_be_committed = false;
        let result = match timeout(limit, self.attempt(group, &mut may_be_committed)).await {
            Ok(result) => result,
            Err(_) => Err(JournalDown::new(Why::Slow, format!("{}: no answer", self.target))),
        };
        result.map_err(|down| {
            // A session that failed may be in the middle of anything: it is closed, never reused.
            self.session = None;
            Failed { down, is_doubtful: may_be_committed }
        })
    }

    fn refusal(&mut self) -> Option<JournalDown> {
        None
    }

    async fn sweep(&mut self, sweep: Sweep) -> Result<Swept, Failed> {
        let target = self.target.clone();
        let swept = async {
            self.connect().await?;
            let Some(client) = &mut self.session else { return Ok(Swept::default()) };
            sweep::sweep(client, sweep).await.map_err(|error| down(&target, &error))
        };
        // Calls that came meanwhile have waited for it, and are not to be late for that.
        let swept = match timeout(ATTEMPT / 2, swept).await {
            Ok(swept) => swept,
            Err(_) => Err(JournalDown::new(Why::Slow, format!("{target}: no answer"))),
        };
        swept.map_err(|down| {
            self.session = None;
            Failed::from(down)
        })
    }
}

/// That the schema is the one that this gateway works with.
pub(crate) async fn check_schema(
    client: &Client,
    target: &Target,
    schema: &Schema,
) -> Result<(), JournalError> {
    let store = target.to_string();
    let found = version(client, schema).await;
    let found = found.map_err(|cause| JournalError::store(&store, told(&cause)))?;
    let wanted = schema.version;
    match found.cmp(&wanted) {
        std::cmp::Ordering::Less => Err(JournalError::Schema { store, found, wanted }),
        std::cmp::Ordering::Greater => Err(JournalError::TooNew { store, found, wanted }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// The schema's version; 0 where there is none.
async fn version(client: &Client, schema: &Schema) -> Result<i32, Error> {
    let newest = format!("SELECT coalesce(max(version), 0) FROM qaqpa.{}", schema.versions);
    match client.query_one(&newest, &[]).await {
        Ok(row) => row.try_get(0),
        Err(error)
            if error.code() == Some(&SqlState::UNDEFINED_TABLE)
                || error.code() == Some(&SqlState::INVALID_SCHEMA_NAME) =>
        {
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

/// The number of a node's advisory lock.
fn lock_number(node: &str) -> i64 {
    let sum = digest(&SHA256, ["qaqpa node ", node].concat().as_bytes());
    sum.as_ref().first_chunk().map_or(0, |chunk| i64::from_be_bytes(*chunk))
}
