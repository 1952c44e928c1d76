//! Payments in a SQLite file: one writer, so that a group is decided on rows that nobody else changes.

use super::{Backing, Failed, Group, Parameter, SCHEMA};
use crate::journal::Why;
use crate::journal::down::{JournalDown, JournalError};
use crate::journal::embedded::{Reader, StoreFile};
use crate::payments::book::{Book, Lookup, Wanted, Write};
use crate::trial;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, Row, ToSql, Transaction, params_from_iter};
use serde_json::{Map, Value};
use std::path::Path;

/// The writing side.
pub(in crate::payments) struct Embedded {
    file: StoreFile,
}

impl Embedded {
    /// Opens the file, creates or migrates its tables, and notes the banks that are new.
    pub(in crate::payments) fn open(path: &Path, banks: &[String]) -> Result<Self, JournalError> {
        let mut file = StoreFile::open(path, &SCHEMA)?;
        let noted = file.transaction(|transaction| {
            let insert =
                "INSERT INTO bank_window (id, version) VALUES (?1, 1) ON CONFLICT DO NOTHING";
            banks.iter().try_for_each(|bank| transaction.execute(insert, [bank]).map(drop))
        });
        noted.map_err(|failed| JournalError::file(path, failed.down.cause))?;
        Ok(Self { file })
    }
}

impl Backing for Embedded {
    async fn transact(&mut self, group: &mut Group<'_>) -> Result<(), Failed> {
        let written = self.file.transaction(|transaction| {
            let mut book = Book::default();
            load(transaction, &group.wanted(), &mut book)?;
            load(transaction, &group.wanted_more(&book), &mut book)?;
            while let Some(word) = group.decide(&mut book) {
                load(transaction, &word.wanted(), &mut book)?;
                load(transaction, &word.wanted_more(&book, group.rules), &mut book)?;
                word.hear(&mut book, group.rules);
            }
            let writes = book.writes().map_err(foreign)?;
            writes.iter().try_for_each(|write| save(transaction, write))?;
            trial::point("payments.commit.before");
            Ok(())
        });
        trial::point("payments.commit.after");
        written.map_err(|failed| match failed.down {
            JournalDown { why: Why::Busy, cause } => Failed::Raced(cause),
            down => Failed::Down(down),
        })
    }
}

fn load(transaction: &Transaction<'_>, wanted: &Wanted, book: &mut Book) -> rusqlite::Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    for lookup in Lookup::ALL {
        let keys = wanted.keys(lookup);
        if keys.is_empty() {
            continue;
        }
        let sql = by_key(lookup);
        for key in keys {
            for row in query(transaction, &sql, [key])? {
                book.absorb(lookup, row).map_err(foreign)?;
            }
        }
    }
    Ok(())
}

fn by_key(lookup: Lookup) -> String {
    lookup.select().0.replace("{set}", "= ?1")
}

fn query<P: ToSql>(
    connection: &Connection,
    sql: &str,
    parameters: impl IntoIterator<Item = P>,
) -> rusqlite::Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map(params_from_iter(parameters), |row| object(row, &names))?;
    rows.collect()
}

fn object(row: &Row<'_>, names: &[String]) -> rusqlite::Result<Value> {
    let mut object = Map::new();
    for (place, name) in names.iter().enumerate() {
        let value = match row.get_ref(place)? {
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
            // No column of ours holds anything else.
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Value::Null,
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}

fn save(transaction: &Transaction<'_>, write: &Write) -> rusqlite::Result<()> {
    match write {
        Write::Insert { table, rows } => {
            for row in rows.iter().filter_map(Value::as_object) {
                let names: Vec<&str> = row.keys().map(String::as_str).collect();
                let places: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
                let sql = format!(
                    "INSERT INTO {table} ({}) VALUES ({})",
                    names.join(", "),
                    places.join(", ")
                );
                let values = row.values().map(sql_value);
                transaction.prepare_cached(&sql)?.execute(params_from_iter(values))?;
            }
        }
        Write::Update { table, rows, versions } => {
            for (row, version) in rows.iter().filter_map(Value::as_object).zip(versions) {
                let sets: Vec<String> =
                    row.keys().zip(1..).map(|(name, n)| format!("{name} = ?{n}")).collect();
                let (id, stored) = (row.len() + 1, row.len() + 2);
                let sql = format!(
                    "UPDATE {table} SET {} WHERE id = ?{id} AND version = ?{stored}",
                    sets.join(", ")
                );
                let keys = [row.get("id").map_or(SqlValue::Null, sql_value), (*version).into()];
                let values = row.values().map(sql_value).chain(keys);
                let count = transaction.prepare_cached(&sql)?.execute(params_from_iter(values))?;
                if count != 1 {
                    return Err(rusqlite::Error::StatementChangedRows(count));
                }
            }
        }
        Write::Forget { before_us } => {
            let sql = "DELETE FROM request_key WHERE id IN (SELECT id FROM request_key \
                 WHERE answered_at_us < ?1 ORDER BY answered_at_us LIMIT 1000)";
            transaction.prepare_cached(sql)?.execute([before_us])?;
        }
    }
    Ok(())
}

fn sql_value(value: &Value) -> SqlValue {
    match value {
        Value::Number(number) => number.as_i64().map_or(SqlValue::Null, SqlValue::Integer),
        Value::String(text) => SqlValue::Text(text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => SqlValue::Null,
    }
}

fn foreign(cause: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(cause))
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

/// Rows of a question, on a connection of its own.
pub(super) async fn read(
    reader: &Reader,
    sql: String,
    parameters: Vec<Parameter>,
) -> Result<Vec<Value>, JournalDown> {
    reader.read(move |connection| query(connection, &sql, parameters)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::questions::NOTICE_COUNTS;

    /// How SQLite answers a question: a step a line.
    fn steps(sql: &str, parameters: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payments.sqlite");
        drop(Embedded::open(&path, &[]).unwrap());
        let connection = Connection::open(&path).unwrap();
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let step = |row: &Row<'_>| row.get::<_, String>(3);
        let steps = explain.query_map(params_from_iter(parameters), step).unwrap();
        steps.map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_to_be_told_is_counted_by_an_index_alone() {
        let steps = steps(NOTICE_COUNTS, &[]);
        assert_eq!(steps, ["SCAN notice USING COVERING INDEX notice_counted"]);
    }

    /// Every change reads its rows first, whatever the tables hold.
    #[test]
    fn no_rows_of_a_group_are_looked_for_in_a_whole_table() {
        for lookup in Lookup::ALL {
            let steps = steps(&by_key(lookup), &["x"]);
            assert!(steps.iter().all(|step| !step.starts_with("SCAN")), "{lookup:?}: {steps:?}");
        }
    }
}
