//! What a run leaves in its folder: the manifest, breaks and pairs, each file whole or not there.
//!
//! Files are written under a name of their own and renamed at the end, the manifest last: a folder with
//! a manifest holds a finished run. Nothing in it tells when or where the run was made.

pub mod breaks;
mod csv;
mod folder;
mod json;
mod legend;
mod manifest;
mod open;
pub mod overview;
mod page;
mod plot;
mod proposals;
pub mod sorter;
pub mod words;
mod xlsx;

pub use breaks::Entry;
pub(super) use csv::cell;
pub use folder::Folder;
pub(super) use folder::close;
pub(super) use page::{grouped, sheet};

use super::breaks::{Age, Category, Window, id};
use super::ingest::day::Calendar;
use super::run::Statement;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;

/// Writes everything about a statement into a folder, and returns its manifest.
///
/// # Errors
/// The disk.
pub fn write(statement: &mut Statement, calendar: &Calendar, folder: &Folder) -> io::Result<Value> {
    let mut outputs = Outputs {
        breaks: csv::Table::new(folder.file("breaks.csv")?, &csv::BREAK_COLUMNS)?,
        pairs: csv::Table::new(folder.file("pairs.csv")?, &csv::PAIR_COLUMNS)?,
        lines: folder.file("breaks.jsonl")?,
        open: open::Open::new(folder.file(open::NAME)?, statement)?,
        book: xlsx::Book::new(folder.file(xlsx::NAME)?, folder.path(), statement.window.day)?,
        ages: BTreeMap::new(),
        urgent: page::Urgent::default(),
    };
    let mut last: Option<(Category, Vec<u8>, u32)> = None;
    while let Some(finding) = statement.findings.take()? {
        let Some(category) = finding.category else {
            outputs.pairs.row(&csv::pair(&finding))?;
            outputs.book.pair(&finding)?;
            continue;
        };
        let key = finding.key();
        let number = match last.take() {
            Some((before, same, number)) if before == category && same == key => number + 1,
            _ => 0,
        };
        let today = statement.window.day;
        let since = finding.since(today);
        let window = Window { bank: statement.window.bank.clone(), day: since };
        let age = Age::of(calendar, since, today);
        let entry = Entry {
            id: id(&window, finding.side(), &key, category, number),
            category,
            since,
            age,
            priority: age.priority(finding.amount_tiyn()),
            finding: &finding,
        };
        outputs.entry(&entry)?;
        last = Some((category, key, number));
    }
    proposals::write(folder, statement)?;
    page::write(folder, statement, &outputs.ages, &outputs.urgent)?;
    outputs.finish(statement)?;
    let manifest = manifest::of(statement, calendar);
    folder.finish(&manifest)?;
    Ok(manifest)
}

struct Outputs {
    breaks: csv::Table,
    pairs: csv::Table,
    lines: io::BufWriter<std::fs::File>,
    open: open::Open,
    book: xlsx::Book,
    ages: page::Ages,
    urgent: page::Urgent,
}

impl Outputs {
    fn entry(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let found = self.ages.entry((entry.category, entry.age.bucket)).or_default();
        found.breaks += 1;
        found.sum_tiyn += i128::from(entry.finding.amount_tiyn());
        self.urgent.offer(entry);
        self.breaks.row(&csv::entry(entry))?;
        self.book.entry(entry)?;
        if let Some(line) = entry.finding.open_row() {
            self.open.row(line, entry.since)?;
        }
        json::entry(&mut self.lines, entry)
    }

    fn finish(self, statement: &Statement) -> io::Result<()> {
        self.book.finish(statement, &self.ages)?;
        folder::close(self.lines)?;
        self.open.finish()?;
        self.breaks.finish()?;
        self.pairs.finish()
    }
}
