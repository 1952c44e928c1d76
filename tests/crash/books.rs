//! The journal as an auditor reads it: plain SQL beside the gateway, none of the gateway's own code.

use crate::house::House;
use rusqlite::{Connection, OpenFlags};
use std::collections::HashMap;
use std::time::Duration;

const SQLITE: &str = "SELECT lower(hex(o.id)), o.message_id, o.service, coalesce(c.outcome, ''), \
     coalesce(c.evidence, ''), coalesce(c.needs_evidence, 0), coalesce(c.fault_code, ''), \
     coalesce(c.fault_phase, ''), lower(hex(coalesce(c.answer_digest, ''))) \
     FROM entry_opened o LEFT JOIN entry_closed c ON c.id = o.id ORDER BY o.id";

const POSTGRES: &str = "SELECT replace(o.id::text, '-', ''), o.message_id, o.service, \
     coalesce(c.outcome, ''), coalesce(c.evidence, ''), coalesce(c.needs_evidence, false)::int, \
     coalesce(c.fault_code, ''), coalesce(c.fault_phase, ''), \
     encode(coalesce(c.answer_digest, ''), 'hex') \
     FROM entry_opened o LEFT JOIN entry_closed c ON c.id = o.id ORDER BY o.id";

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The UUID's 32 hexadecimal digits.
    pub id: String,
    pub message_id: String,
    pub service: String,
    /// Empty: not closed.
    pub outcome: String,
    pub evidence: String,
    pub needs_evidence: bool,
    pub fault_code: String,
    pub fault_phase: String,
    pub answer_digest: String,
}

impl Entry {
    fn read(columns: [String; 9]) -> Self {
        let [id, message_id, service, outcome, evidence, needs_evidence, rest @ ..] = columns;
        let [fault_code, fault_phase, answer_digest] = rest;
        let needs_evidence = needs_evidence == "1";
        Self {
            id,
            message_id,
            service,
            outcome,
            evidence,
            needs_evidence,
            fault_code,
            fault_phase,
            answer_digest,
        }
    }

    /// Whether it was let in: a byte of it may have left. Refusals up to `open` are entries too.
    pub fn is_carried(&self) -> bool {
        let before = ["receive", "identify", "route", "admit", "verify", "open"];
        !before.contains(&self.fault_phase.as_str())
    }

    pub fn is_open(&self) -> bool {
        self.outcome.is_empty()
    }

    /// Closed by the start after a crash.
    pub fn is_interrupted(&self) -> bool {
        self.evidence == "interrupted"
    }

    pub fn is_answered(&self) -> bool {
        self.evidence == "answer"
    }
}

/// All entries that were carried, by messageId.
#[derive(Debug)]
pub struct Books {
    pub entries: HashMap<String, Vec<Entry>>,
}

impl Books {
    pub fn read(house: &House) -> Self {
        let mut entries: HashMap<String, Vec<Entry>> = HashMap::new();
        for entry in rows(house).into_iter().filter(Entry::is_carried) {
            entries.entry(entry.message_id.clone()).or_default().push(entry);
        }
        Self { entries }
    }

    /// The entries of one call.
    pub fn of(&self, message_id: &str) -> &[Entry] {
        self.entries.get(message_id).map_or(&[], Vec::as_slice)
    }

    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }
}

fn rows(house: &House) -> Vec<Entry> {
    let Some((cluster, database)) = &house.database else { return rows_of_sqlite(house) };
    let table = cluster.sql("qaqpa_app", database, POSTGRES).unwrap();
    let columns = |line: &str| -> Vec<String> { line.split('|').map(str::to_owned).collect() };
    table.lines().map(|line| Entry::read(columns(line).try_into().unwrap())).collect()
}

fn rows_of_sqlite(house: &House) -> Vec<Entry> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(&house.scratch.journal, flags).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut select = connection.prepare(SQLITE).unwrap();
    let rows = select.query_map((), |row| {
        let column = |place| -> rusqlite::Result<String> {
            match row.get_ref(place)? {
                rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
                other => Ok(other.as_str()?.to_owned()),
            }
        };
        let mut columns = <[String; 9]>::default();
        for (place, text) in columns.iter_mut().enumerate() {
            *text = column(place)?;
        }
        Ok(Entry::read(columns))
    });
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}
