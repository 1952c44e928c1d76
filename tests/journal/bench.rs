//! What the journal's tests work with: a store, calls by number, and the tools to look inside.

use crate::postgres::Cluster;
use bytes::Bytes;
use qaqpa::config::settings::{BodyPolicy, Journal as Settings, Store};
use qaqpa::journal::entry::{
    CallKey, Closed, EntryId, Opened, Opening, Resolution, Resolved, SameCall,
};
use qaqpa::journal::{Journal, Migrated, migrate};
use qaqpa_kit::fault::Outcome;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// One store, empty at first.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) settings: Settings,
    /// The cluster and the database, on PostgreSQL.
    pub(crate) database: Option<(&'static Cluster, String)>,
}

impl Bench {
    pub(crate) fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Embedded { path: folder.path().join("journal.sqlite") };
        let settings = settings(store, None);
        Self { folder, settings, database: None }
    }

    pub(crate) async fn postgres() -> Self {
        static MIGRATED: OnceCell<String> = OnceCell::const_new();
        let cluster = Cluster::shared();
        let migrated = MIGRATED.get_or_init(|| migrated_database(cluster)).await;
        Self::on(cluster, cluster.copy_of(migrated))
    }

    /// A bench on a cluster of its own, which the test may break.
    pub(crate) async fn fragile() -> Self {
        // Ends with the process, as the shared one.
        let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
        Self::on(cluster, migrated_database(cluster).await)
    }

    fn on(cluster: &'static Cluster, database: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = folder.path().join("master");
        std::fs::write(&master, [7; 32]).unwrap();
        let store = postgres_store(&cluster.url("qaqpa_app", &database));
        let settings = settings(store, Some(master));
        Self { folder, settings, database: Some((cluster, database)) }
    }

    pub(crate) async fn start(&self) -> Journal {
        self.start_node("node-1").await
    }

    pub(crate) async fn start_node(&self, node: &str) -> Journal {
        Journal::start(&self.settings, node).await.unwrap()
    }

    /// Brings the store up, as its owner; the version that it had.
    pub(crate) async fn migrate(&self) -> i32 {
        let store = match &self.database {
            Some((cluster, database)) => postgres_store(&cluster.url("qaqpa_migrate", database)),
            None => self.settings.store.clone(),
        };
        migrate(&store, 1).await.unwrap().from
    }

    /// Takes the store back to version 6, with all that stands in it.
    pub(crate) fn take_back(&self) {
        for step in [
            "CREATE TABLE before AS SELECT k.call_key, coalesce(k.message_key, k.call_key) \
             AS message_key, k.entry, 'node-1' AS node, CASE WHEN u.id IS NOT NULL THEN 'open' \
             WHEN c.outcome = 'Unknown' THEN 'unknown' ELSE 'answered' END AS state, \
             k.message_key IS NOT NULL AS is_unique, k.is_idempotent, k.opened_at_us, \
             k.expires_at_us, c.outcome, c.http_status, k.answer_bytes, k.answer FROM call_key k \
             LEFT JOIN entry_under_way u ON u.id = k.entry LEFT JOIN entry_closed c ON c.id = k.entry",
            "DROP TABLE entry_under_way",
            "DROP TABLE call_key",
            "ALTER TABLE before RENAME TO call_key",
            "DELETE FROM schema_version WHERE version >= 7",
        ] {
            self.sql(step).unwrap();
        }
    }

    /// Runs SQL beside the journal, as the owner of the tables.
    pub(crate) fn sql(&self, sql: &str) -> Result<String, String> {
        match (&self.database, &self.settings.store) {
            (Some((cluster, database)), _) => cluster.sql("qaqpa_migrate", database, sql),
            (None, Store::Embedded { path }) => sqlite(path, sql),
            (None, Store::Postgres { .. }) => unreachable!("a database belongs to a cluster"),
        }
    }

    /// Counts rows: `count("entry_closed WHERE outcome = 'Done'")`.
    pub(crate) fn count(&self, rows: &str) -> usize {
        self.sql(&format!("SELECT count(*) FROM {rows}")).unwrap().parse().unwrap()
    }
}

async fn migrated_database(cluster: &Cluster) -> String {
    let database = cluster.database();
    let owner = postgres_store(&cluster.url("qaqpa_migrate", &database));
    let expected = Migrated { from: 0, to: 7, days_made: 2, days_late: 0 };
    assert_eq!(migrate(&owner, 1).await.unwrap(), expected);
    database
}

fn settings(store: Store, master_key_file: Option<std::path::PathBuf>) -> Settings {
    Settings {
        store,
        body_policy: BodyPolicy::Full,
        master_key_file,
        group_max: 128,
        reserve_bytes: 1 << 20,
        answers_bytes_max: 64 << 20,
        papers_watched: false,
    }
}

pub(crate) fn postgres_store(url: &str) -> Store {
    Store::Postgres { url: Zeroizing::new(url.to_owned()), connections_max: 4 }
}

fn sqlite(path: &std::path::Path, sql: &str) -> Result<String, String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    let said = |error: rusqlite::Error| error.to_string();
    if !sql.starts_with("SELECT") {
        return connection.execute(sql, ()).map(|rows| rows.to_string()).map_err(said);
    }
    let read = |row: &rusqlite::Row<'_>| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        })
    };
    connection.query_row(sql, (), read).map_err(said)
}

pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros().try_into().unwrap()
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// A call by its number: the same number is the same call, each opening has an entry of its own.
pub(crate) fn call(number: u8) -> Opened {
    let opened_at_us = now_us();
    Opened {
        id: EntryId::at(opened_at_us),
        key: CallKey([number; 32]),
        message_key: [number; 32],
        opened_at_us,
        participant: "portal".to_owned(),
        sender_id: "EGOV".to_owned(),
        agency: "gbd_fl".to_owned(),
        service: "FLInfo".to_owned(),
        route_id: String::new(),
        message_id: format!("message-{number}"),
        correlation_id: "c-1".to_owned(),
        caller_certificate: [1; 32],
        revocation: String::new(),
        request_digest: [2; 32],
        request_bytes: 7,
        request: Bytes::from_static(b"a very private request"),
    }
}

pub(crate) fn call_at(number: u8, opened_at_us: i64) -> Opened {
    Opened { id: EntryId::at(opened_at_us), opened_at_us, ..call(number) }
}

/// A payment: not idempotent, remembered for a month.
pub(crate) fn payment() -> SameCall {
    SameCall::until(now_us() + 30 * 86_400_000_000, false)
}

/// A question: idempotent, remembered for ten minutes.
pub(crate) fn question() -> SameCall {
    SameCall::until(now_us() + 600_000_000, true)
}

/// The end of a call that was answered.
pub(crate) fn answered(opened: &Opened, answer: &[u8]) -> Closed {
    Closed {
        streamed: None,
        id: opened.id,
        key: opened.key,
        closed_at_us: opened.opened_at_us + 900,
        outcome: Outcome::Done,
        fault: None,
        evidence: "answer",
        http_status: 200,
        agency_digest: [3; 32],
        agency_certificate: [0; 32],
        answer_digest: [4; 32],
        answer: Bytes::copy_from_slice(answer),
        phase_us: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0],
        is_durable_first: true,
    }
}

/// The end of a call of which nobody knows what became.
pub(crate) fn unknown(opened: &Opened) -> Closed {
    use qaqpa_kit::fault::{Code, Phase};
    Closed {
        streamed: None,
        outcome: Outcome::Unknown,
        fault: Some((Code::AgencyTimeout, Phase::Send)),
        evidence: "fault",
        http_status: 500,
        ..answered(opened, b"fault")
    }
}

pub(crate) fn resolved(id: EntryId, outcome: Outcome) -> Resolved {
    let note = "register of 22 November, row 7".to_owned();
    Resolved { id, resolved_at_us: now_us(), outcome, evidence: "register", note }
}

/// What opening found, in a word.
pub(crate) fn word(opening: &Opening) -> &'static str {
    match opening {
        Opening::Fresh => "fresh",
        Opening::Stored { .. } => "stored",
        Opening::InFlight { .. } => "in flight",
        Opening::LeftUnknown { .. } => "left unknown",
        Opening::Twin { .. } => "twin",
    }
}

/// Opens and expects this word; the entry that was opened.
pub(crate) async fn open(
    journal: &Journal,
    opened: Opened,
    same_call: SameCall,
    expected: &str,
) -> Opened {
    let opening = journal.open(opened.clone(), same_call).await.unwrap();
    assert_eq!(word(&opening), expected);
    opened
}

pub(crate) async fn resolve(journal: &Journal, id: EntryId, outcome: Outcome) -> Resolution {
    journal.resolve(resolved(id, outcome)).await.unwrap()
}

/// Bytes that do not shrink (xorshift, always the same).
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// A call that is the same as no other.
pub(crate) fn own_call() -> Opened {
    let opened = call(0);
    let mut key = [0; 32];
    key[..16].copy_from_slice(opened.id.0.as_bytes());
    Opened { key: CallKey(key), message_key: key, ..opened }
}

/// Looks now and then until it is so; a test that waits ten seconds has failed.
pub(crate) async fn eventually(is_so: impl AsyncFn() -> bool) {
    let until = soon();
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    while !is_so().await {
        assert!(Instant::now() < until, "it never came to be");
        looks.tick().await;
    }
}
