//! The breaks of a finished run, read from what its reports say: the store holds what the reader sees.

use crate::payments::breaks::Found;
use crate::payments::calendar::OperatingDay;
use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Bytes of a text that is kept of a break; the report has all of it.
const TEXT_BYTES_MAX: usize = 1_500;

/// The columns of the neutral form, in their order.
const COLUMNS: [&str; 12] = [
    "e2e_id",
    "receipt",
    "iin",
    "payee_bin",
    "kbk",
    "knp",
    "amount_tiyn",
    "ccy",
    "status",
    "posted_at",
    "value_date",
    "rail",
];

#[derive(Deserialize)]
struct Line {
    id: String,
    category: String,
    side: String,
    key: String,
    since: String,
    state: String,
    owner: String,
    acts: String,
    rule: Option<String>,
    why: String,
    candidates: String,
    journal: Option<Value>,
    register: Option<Value>,
}

/// The breaks of a run, one after the other.
pub(super) struct Breaks {
    lines: io::Lines<BufReader<File>>,
}

impl Breaks {
    /// Those of a folder.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = File::open(folder.join("breaks.jsonl"))?;
        Ok(Self { lines: BufReader::new(file).lines() })
    }

    /// The next so many; none: all were read.
    pub(super) fn take(&mut self, count_max: usize) -> io::Result<Vec<Found>> {
        let mut all = Vec::new();
        for line in self.lines.by_ref().take(count_max) {
            let line: Line = serde_json::from_str(&line?)?;
            all.push(found(line)?);
        }
        Ok(all)
    }
}

fn found(line: Line) -> io::Result<Found> {
    let since = line.since.parse().map_err(io::Error::other)?;
    let amount = |row: &Option<Value>| {
        row.as_ref().and_then(|row| row.get("amount_tiyn")?.as_i64()).unwrap_or(0)
    };
    let (ours, theirs) = (amount(&line.journal), amount(&line.register));
    Ok(Found {
        id: line.id,
        category: line.category,
        side: line.side,
        item: short(line.key),
        since_day: OperatingDay::of(since),
        amount_tiyn: ours.max(theirs),
        difference_tiyn: theirs.saturating_sub(ours),
        acts: line.acts,
        owner: line.owner,
        rule: line.rule.unwrap_or_default(),
        why: short(line.why),
        candidates: short(line.candidates),
        journal_row: line.journal.as_ref().map(row),
        register_row: line.register.as_ref().map(row),
        is_closed: line.state == "AUTO_CLOSED",
    })
}

/// A row as it stood in its file.
fn row(object: &Value) -> String {
    let field = |name: &&str| match object.get(*name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    COLUMNS.iter().map(field).collect::<Vec<_>>().join(";")
}

fn short(text: String) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let end = (0..=TEXT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}
