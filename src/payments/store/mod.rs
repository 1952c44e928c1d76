//! The stores of payments: SQLite and PostgreSQL read the same rows and write the same changes.

mod embedded;
mod postgres;

pub(super) use embedded::Embedded;
pub(super) use postgres::Postgres;

use super::book::{Book, Wanted};
use super::command::Answered;
use super::decide::{Request, Rules, recall};
use crate::config::settings::Store;
use crate::journal::down::{JournalDown, JournalError};
use crate::journal::embedded::{Reader as FileReader, migrate_file};
use crate::journal::postgres::{Reader as ClusterReader, Target, migrate_schema};
use crate::journal::schema::Schema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The tables of payments.
const SCHEMA: Schema = Schema {
    embedded: concat!(
        include_str!("../schema/embedded.sql"),
        include_str!("../schema/breaks_embedded.sql"),
        include_str!("../schema/later_embedded.sql"),
        include_str!("../schema/returns_embedded.sql"),
        include_str!("../schema/closings_embedded.sql")
    ),
    postgres: concat!(
        include_str!("../schema/postgres.sql"),
        include_str!("../schema/breaks_postgres.sql"),
        include_str!("../schema/later_postgres.sql"),
        include_str!("../schema/returns_postgres.sql"),
        include_str!("../schema/closings_postgres.sql")
    ),
    version: 6,
    versions: "payments_version",
};

/// Creates or migrates the tables; with PostgreSQL beside the journal's. The version found.
///
/// # Errors
/// The store's own words, with its name.
pub async fn migrate(store: &Store) -> Result<i32, JournalError> {
    match store {
        Store::Postgres { url, .. } => migrate_schema(&Target::parse(url)?, &SCHEMA).await,
        Store::Embedded { path } => migrate_file(path, &SCHEMA),
    }
}

/// Why a group was not committed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Another node was faster, or a rule of the database held: decide anew.
    Raced(String),
    Down(JournalDown),
}

/// A group that is decided inside a transaction, perhaps more than once.
pub(super) struct Group<'g> {
    pub requests: Vec<&'g Request>,
    pub rules: &'g Rules,
    /// Of the last decision, in the order of the requests.
    pub answers: Vec<Answered>,
    /// Whether it leaves something for the clerk.
    pub leaves_work: bool,
}

impl Group<'_> {
    /// The rows that are needed first; the group is decided anew.
    fn wanted(&mut self) -> Wanted {
        self.answers.clear();
        let mut wanted = Wanted::default();
        for request in &self.requests {
            request.want(&mut wanted);
        }
        wanted
    }

    fn wanted_more(&self, book: &Book) -> Wanted {
        let mut wanted = Wanted::default();
        for request in &self.requests {
            request.want_more(book, self.rules, &mut wanted);
        }
        wanted
    }

    /// Decides what is left, in its order; stops at a kept word whose order is known now, which is to be
    /// read for and heard before anything else.
    fn decide(&mut self, book: &mut Book) -> Option<Recalled> {
        loop {
            if let Some(request) = recall(book) {
                return Some(Recalled(request));
            }
            let Some(request) = self.requests.get(self.answers.len()) else { break };
            self.answers.push(request.decide(book, self.rules));
        }
        self.leaves_work = book.leaves_work();
        None
    }
}

/// A kept word that is to be heard within a group.
struct Recalled(Request);

impl Recalled {
    fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        self.0.want(&mut wanted);
        wanted
    }

    fn wanted_more(&self, book: &Book, rules: &Rules) -> Wanted {
        let mut wanted = Wanted::default();
        self.0.want_more(book, rules, &mut wanted);
        wanted
    }

    fn hear(&self, book: &mut Book, rules: &Rules) {
        let _nobody_waits = self.0.decide(book, rules);
    }
}

/// Reads, decides and writes a group in one transaction: all of it, or nothing.
pub(super) trait Backing {
    async fn transact(&mut self, group: &mut Group<'_>) -> Result<(), Failed>;
}

/// A value in a question to the store.
#[derive(Clone, Debug)]
pub(super) enum Parameter {
    Text(String),
    Number(i64),
}

/// Reads beside the writer; cheap to clone.
#[derive(Clone)]
pub(super) enum Reader {
    Embedded(FileReader),
    Postgres(Box<ClusterReader>),
}

impl Reader {
    pub(super) fn new(store: &Store) -> Result<Self, JournalError> {
        Ok(match store {
            Store::Embedded { path } => Self::Embedded(FileReader::new(path)),
            Store::Postgres { url, connections_max } => {
                let readers = connections_max.saturating_sub(1).max(1);
                let reader = ClusterReader::new(Target::parse(url)?, readers)?;
                Self::Postgres(Box::new(reader))
            }
        })
    }

    /// Rows of a question that both dialects understand; its parameters are `$1`, `$2` … in the
    /// order in which they first appear.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: Vec<Parameter>,
    ) -> Result<Vec<T>, JournalDown> {
        let rows: Vec<Value> = match self {
            Self::Embedded(reader) => embedded::read(reader, sql.to_owned(), parameters).await?,
            Self::Postgres(reader) => postgres::read(reader, sql, &parameters).await?,
        };
        let rows: Result<_, _> = rows.into_iter().map(serde_json::from_value).collect();
        rows.map_err(|cause| broken(&cause))
    }
}

/// A row that is none of ours.
fn broken(cause: &dyn std::fmt::Display) -> JournalDown {
    JournalDown::new(crate::journal::Why::Broken, format!("a row of payments: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::{SCHEMA, Schema, migrate_file};
    use crate::journal::schema::migrations;
    use rusqlite::Connection;

    /// Rows of schema 5: an order that became surplus by its last change, and two closed days of its bank.
    const OLDER: &str = "INSERT INTO payment_order (id, bank, end_to_end_id, payer, payee, kbk, amount_tiyn, step, \
         rank, is_rejected, is_disputed, state, holds, version, node, attempt, opened_at_us, changed_at_us, \
         deadline_us, inquiries, not_found, returned_tiyn, reason, agency, opened_by, charge, document_number) \
         VALUES ('A', 'alpha', 'GWA', '', '', '', 5, 'surplus', 'posted', 0, 0, 'posted', 0, 7, '', 1, 1, 1, 1, \
         0, 0, 0, '', '', '', 'C', 'D1'); \
         INSERT INTO order_change VALUES ('A/3', 'A', 3, 'conflict', 'notice', 1), \
         ('A/7', 'A', 7, 'posted', 'ruling', 2); \
         INSERT INTO closing VALUES ('alpha/1', 'alpha', 1, 0, 0, 0, 99), ('alpha/2', 'alpha', 2, 0, 0, 0, 77); \
         INSERT INTO bank_window VALUES ('alpha', 2, 3), ('beta', NULL, 1);";

    #[test]
    fn what_is_older_than_dated_closings_is_taken_over_as_far_as_it_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payments.sqlite");
        let (before, _) = SCHEMA.embedded.split_once("-- migration 6:").unwrap();
        migrate_file(&path, &Schema { embedded: before, version: 5, ..SCHEMA }).unwrap();
        Connection::open(&path).unwrap().execute_batch(OLDER).unwrap();
        assert_eq!(migrate_file(&path, &SCHEMA).unwrap(), 5);
        let connection = Connection::open(&path).unwrap();
        let told = |sql: &str| -> Vec<Option<String>> {
            let mut select = connection.prepare(sql).unwrap();
            let rows = select.query_map((), |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let steps = told("SELECT step FROM order_change ORDER BY version");
        assert_eq!(steps, [None, Some("surplus".to_owned())]);
        let closed = told("SELECT CAST(closed_at_us AS TEXT) FROM bank_window ORDER BY id");
        assert_eq!(closed, [Some("99".to_owned()), None]);
        let changed = connection.execute("UPDATE order_change SET step = 'submitted'", ());
        assert!(changed.is_err_and(|told| told.to_string().contains("append only")));
    }

    #[test]
    fn both_dialects_have_the_same_tables_and_columns_in_the_same_order() {
        let shape = |file: &str| -> Vec<String> {
            let mut is_inside = false;
            let mut names = Vec::new();
            for line in file.lines() {
                is_inside |= line.starts_with("CREATE TABLE");
                is_inside &= !line.starts_with(')');
                if is_inside {
                    names.extend(line.split_whitespace().take(3).map(str::to_owned));
                }
            }
            names.retain(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            names
        };
        assert_eq!(shape(SCHEMA.embedded), shape(SCHEMA.postgres));
        assert!(shape(SCHEMA.embedded).len() > 90);
        for file in [SCHEMA.embedded, SCHEMA.postgres] {
            assert_eq!(migrations(file).count(), 6);
        }
    }
}
