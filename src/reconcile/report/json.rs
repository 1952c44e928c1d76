//! Breaks as JSON Lines: one object a line, amounts as whole tiyn.

use super::breaks::Entry;
use super::csv::{ROW_COLUMNS, fields, text};
use crate::reconcile::ingest::source::Line;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Writes a break.
///
/// # Errors
/// The disk.
pub(super) fn entry(to: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
    let finding = entry.finding;
    let object = json!({
        "id": entry.id,
        "category": entry.category,
        "side": finding.side(),
        "key": text(&finding.key()),
        "since": entry.since.to_string(),
        "age_days": entry.age.days,
        "age": entry.age.bucket,
        "priority": entry.priority,
        "state": entry.category.state(),
        "owner": entry.category.owner(),
        "acts": entry.category.acts(),
        "rule": finding.rule,
        "why": finding.why(),
        "candidates": finding.candidates,
        "journal": row(finding.journal.as_ref()),
        "register": row(finding.register.as_ref()),
    });
    serde_json::to_writer(&mut *to, &object)?;
    to.write_all(b"\n")
}

/// A row as an object; null where there is none.
pub(super) fn row(line: Option<&Line>) -> Value {
    let Some(line) = line else { return Value::Null };
    let mut object = Map::new();
    for (name, text) in ROW_COLUMNS.iter().zip(fields(Some(line))) {
        let is_amount = *name == "amount_tiyn";
        let value = if is_amount { json!(line.amount_tiyn) } else { Value::String(text) };
        object.insert((*name).to_owned(), value);
    }
    Value::Object(object)
}
