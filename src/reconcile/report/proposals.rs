//! Proposals as CSV and JSON Lines: what might belong together, each with its rule, for people to decide.

use super::csv::{ROW_COLUMNS, Table, fields};
use super::folder::{self, Folder};
use super::json;
use crate::reconcile::ingest::source::Line;
use crate::reconcile::open::Proposal;
use crate::reconcile::run::Statement;
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::hex;
use serde_json::json;
use std::io::{self, Write};

/// The columns before a row's own.
pub(super) const HEAD: [&str; 4] = ["proposal", "rule", "rows", "side"];

/// Writes both files.
///
/// # Errors
/// The disk.
pub(super) fn write(folder: &Folder, statement: &Statement) -> io::Result<()> {
    let names: Vec<_> = HEAD.iter().chain(&ROW_COLUMNS).map(|name| (*name).to_owned()).collect();
    let mut table = Table::named(folder.file("proposals.csv")?, &names)?;
    let mut lines = folder.file("proposals.jsonl")?;
    for proposal in &statement.guesses.proposals {
        for row in rows(statement, proposal) {
            table.row(&row)?;
        }
        let all =
            |lines: &[Line]| lines.iter().map(|line| json::row(Some(line))).collect::<Vec<_>>();
        let object = json!({
            "proposal": id(statement, proposal),
            "rule": proposal.guess,
            "journal": all(&proposal.journal),
            "register": all(&proposal.register),
        });
        serde_json::to_writer(&mut lines, &object)?;
        lines.write_all(b"\n")?;
    }
    table.finish()?;
    folder::close(lines)
}

/// The rows of a proposal as texts, a row each.
pub(super) fn rows<'a>(
    statement: &Statement,
    proposal: &'a Proposal,
) -> impl Iterator<Item = Vec<String>> + use<'a> {
    let id = id(statement, proposal);
    let all = proposal.journal.iter().chain(&proposal.register);
    let count = proposal.journal.len() + proposal.register.len();
    all.map(move |line| {
        let head = [id.as_str(), proposal.guess.word(), &count.to_string(), line.side.word()];
        head.into_iter().map(str::to_owned).chain(fields(Some(line))).collect()
    })
}

/// The same at every run: window, rule and the texts of the rows.
fn id(statement: &Statement, proposal: &Proposal) -> String {
    let mut hash = Context::new(&SHA256);
    let (bank, day) = (&statement.window.bank, statement.window.day.to_string());
    let head = ["qaqpa-proposal-1", bank, &day, proposal.guess.word()];
    let rows = proposal.journal.iter().chain(&proposal.register).map(Line::text);
    for part in head.into_iter().map(str::as_bytes).chain(rows) {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::lower(hash.finish().as_ref().get(..16).unwrap_or_default())
}
