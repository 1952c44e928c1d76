//! The workbook of a run, for people at a spreadsheet: real numbers and dates, a frozen head, filters.
//!
//! Sheets of rows go to disk as they come, so memory stays the same for any number of breaks; what is
//! beyond the rows of a sheet (ECMA-376 part 1, 18.3.1.73: 1 048 576) goes on to a further one, and
//! what is beyond [`PAGES_MAX`] of them is told on the first sheet. Texts are texts: no cell is a
//! formula. The time of making is the operating day's, so the same run leaves the same bytes.

mod cells;

use super::breaks::Entry;
use super::csv::{BREAK_COLUMNS, PAIR_COLUMNS, ROW_COLUMNS, text};
use super::folder;
use super::legend::LEGEND;
use super::proposals;
use super::words::{LANGUAGES, Word};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::breaks::{BUCKETS, CATEGORIES, Finding};
use crate::reconcile::run::Statement;
use cells::{Cell, Formats, date, line, put};
use rust_xlsxwriter::{DocProperties, Workbook, Worksheet, XlsxError};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

/// The file's name.
pub(super) const NAME: &str = "breaks.xlsx";
/// Rows of a sheet, its head among them.
const ROWS_MAX: u32 = 1_048_576;
/// Sheets that breaks, or pairs, may fill.
const PAGES_MAX: usize = 4;
/// The workbook under way.
pub(super) struct Book {
    book: Workbook,
    formats: Formats,
    to: BufWriter<File>,
    breaks: Sheet,
    pairs: Sheet,
    proposals: Sheet,
}

/// One table over as many sheets as it needs.
struct Sheet {
    name: &'static str,
    heads: Vec<String>,
    /// The sheets that it fills, by their number in the workbook.
    pages: Vec<usize>,
    /// The next row of the last of them.
    row: u32,
    rows_max: u32,
    left_out: u64,
}

impl Book {
    /// An empty one. Its rows wait in the folder where the book will stand.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn new(to: BufWriter<File>, folder: &Path, day: OperatingDay) -> io::Result<Self> {
        Self::of(to, folder, day, ROWS_MAX)
    }

    fn of(
        to: BufWriter<File>,
        folder: &Path,
        day: OperatingDay,
        rows_max: u32,
    ) -> io::Result<Self> {
        let mut book = Workbook::new();
        book.set_tempdir(folder).map_err(failed)?;
        let made = date(day).map_err(failed)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&made));
        book.add_worksheet().set_name("summary").map_err(failed)?;
        let formats = Formats::new();
        let [breaks, pairs] = [("breaks", &BREAK_COLUMNS), ("pairs", &PAIR_COLUMNS)];
        let mut breaks = Sheet::new(breaks.0, breaks.1, rows_max);
        let mut pairs = Sheet::new(pairs.0, pairs.1, rows_max);
        let mut proposals = Sheet::named("proposals", rows_max);
        for sheet in [&mut breaks, &mut pairs, &mut proposals] {
            sheet.page(&mut book, &formats).map_err(failed)?;
        }
        Ok(Self { book, formats, to, breaks, pairs, proposals })
    }

    /// Adds a break.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn entry(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let finding = entry.finding;
        let word = |word: &str| Cell::Text(word.to_owned());
        let mut cells = vec![
            Cell::Text(entry.id.clone()),
            word(entry.category.word()),
            word(finding.side().word()),
            Cell::Text(text(&finding.key())),
            Cell::Day(entry.since),
            Cell::Number(i64::from(entry.age.days)),
            word(entry.age.bucket),
            Cell::Number(entry.priority),
            word(entry.category.state()),
            word(entry.category.owner()),
            word(entry.category.acts().word()),
            word(finding.rule.map_or("", |rule| rule.word())),
            Cell::Text(finding.why()),
            Cell::Text(finding.candidates.clone()),
        ];
        cells.extend(rows(finding));
        self.breaks.row(&mut self.book, &self.formats, &cells)
    }

    /// Adds a pair that a residual rule made.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn pair(&mut self, finding: &Finding) -> io::Result<()> {
        let rule = finding.rule.map_or("", |rule| rule.word()).to_owned();
        let cells: Vec<_> = std::iter::once(Cell::Text(rule)).chain(rows(finding)).collect();
        self.pairs.row(&mut self.book, &self.formats, &cells)
    }

    /// Writes the first sheet and the last one, and the whole book.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(
        mut self,
        statement: &Statement,
        ages: &super::page::Ages,
    ) -> io::Result<()> {
        for proposal in &statement.guesses.proposals {
            let rows = proposal.journal.iter().chain(&proposal.register);
            for (texts, row) in proposals::rows(statement, proposal).zip(rows) {
                let head = texts.into_iter().take(proposals::HEAD.len()).map(Cell::Text);
                let cells: Vec<_> = head.chain(line(Some(row))).collect();
                self.proposals.row(&mut self.book, &self.formats, &cells)?;
            }
        }
        self.close(statement, ages).map_err(failed)?;
        self.book.save_to_writer(&mut self.to).map_err(failed)?;
        folder::close(self.to)
    }

    fn close(&mut self, statement: &Statement, ages: &super::page::Ages) -> Result<(), XlsxError> {
        for sheet in [&self.breaks, &self.pairs, &self.proposals] {
            sheet.close(&mut self.book)?;
        }
        let left_out = self.breaks.left_out + self.pairs.left_out;
        summary(self.book.worksheet_from_index(0)?, &self.formats, statement, ages, left_out)?;
        let legend = self.book.add_worksheet().set_name("columns")?;
        legend.set_freeze_panes(1, 1)?;
        for (at, width) in [22, 60, 60, 60].into_iter().enumerate() {
            legend.set_column_width(column(at), width)?;
        }
        for (at, name) in ["", "kk", "ru", "en"].into_iter().enumerate() {
            legend.write_string_with_format(0, column(at), name, &self.formats.head)?;
        }
        for (row, (name, texts)) in (1..).zip(LEGEND) {
            legend.write_string(row, 0, name)?;
            for (at, text) in texts.into_iter().enumerate() {
                legend.write_string(row, column(at + 1), text)?;
            }
        }
        Ok(())
    }
}

impl Sheet {
    fn new(name: &'static str, columns: &[&[&str]; 3], rows_max: u32) -> Self {
        let [head, journal, register] = columns;
        // Here money is in tenge, as people count it.
        let of = |side: &'static str| {
            move |name: &&str| format!("{side}_{}", name.trim_end_matches("_tiyn"))
        };
        let heads = head.iter().map(|name| (*name).to_owned());
        let heads = heads.chain(journal.iter().map(of("journal")));
        let heads = heads.chain(register.iter().map(of("register"))).collect();
        Self { name, heads, pages: Vec::new(), row: 0, rows_max, left_out: 0 }
    }

    /// Of proposals: a row each, whose side stands before it.
    fn named(name: &'static str, rows_max: u32) -> Self {
        let heads = proposals::HEAD.iter().chain(&ROW_COLUMNS);
        let heads = heads.map(|name| name.trim_end_matches("_tiyn").to_owned()).collect();
        Self { name, heads, pages: Vec::new(), row: 0, rows_max, left_out: 0 }
    }

    /// Begins a further sheet.
    fn page(&mut self, book: &mut Workbook, formats: &Formats) -> Result<(), XlsxError> {
        let number = book.worksheets().len();
        let page = book.add_worksheet_with_constant_memory()?;
        match self.pages.len() {
            0 => page.set_name(self.name)?,
            before => page.set_name(format!("{}-{}", self.name, before + 1))?,
        };
        page.set_freeze_panes(1, 0)?;
        page.set_landscape();
        page.set_repeat_rows(0, 0)?;
        for (at, head) in self.heads.iter().enumerate() {
            page.set_column_width(column(at), width(head))?;
        }
        for (at, head) in self.heads.iter().enumerate() {
            page.write_string_with_format(0, column(at), head, &formats.head)?;
        }
        self.pages.push(number);
        self.row = 1;
        Ok(())
    }

    fn row(&mut self, book: &mut Workbook, formats: &Formats, cells: &[Cell]) -> io::Result<()> {
        if self.row >= self.rows_max {
            if self.pages.len() >= PAGES_MAX {
                self.left_out += 1;
                return Ok(());
            }
            self.page(book, formats).map_err(failed)?;
        }
        let page = self.pages.last().copied().unwrap_or_default();
        let page = book.worksheet_from_index(page).map_err(failed)?;
        for (at, cell) in cells.iter().enumerate() {
            put(page, (self.row, column(at)), cell, formats).map_err(failed)?;
        }
        self.row += 1;
        Ok(())
    }

    /// The filters over all rows of each sheet.
    fn close(&self, book: &mut Workbook) -> Result<(), XlsxError> {
        let last_column = column(self.heads.len().saturating_sub(1));
        for (at, page) in self.pages.iter().enumerate() {
            let is_last = at + 1 == self.pages.len();
            let rows = if is_last { self.row } else { self.rows_max };
            book.worksheet_from_index(*page)?.autofilter(0, 0, rows.max(2) - 1, last_column)?;
        }
        Ok(())
    }
}

/// The first sheet: what came in, and the breaks by category and age, in three languages.
fn summary(
    page: &mut Worksheet,
    formats: &Formats,
    statement: &Statement,
    ages: &super::page::Ages,
    left_out: u64,
) -> Result<(), XlsxError> {
    let money = |sum: i128| i64::try_from(sum).map_or_else(|_| sum.to_string().into(), Cell::Money);
    let count = |rows: u64| i64::try_from(rows).map_or(Cell::Empty, Cell::Number);
    let words = |word: Word| LANGUAGES.map(|language| Cell::from(language.word(word).to_owned()));
    let mut table: Vec<Vec<Cell>> = Vec::new();
    let carried = statement.carried();
    for (word, tally) in [
        (Word::Journal, statement.journal_rows),
        (Word::Register, statement.register_rows),
        (Word::Carried, carried),
        (Word::Matched, statement.counts.matched),
    ] {
        let mut row: Vec<Cell> = words(word).into();
        row.extend([Cell::Empty, count(tally.rows), money(tally.sum_tiyn)]);
        table.push(row);
    }
    for category in CATEGORIES {
        for bucket in BUCKETS {
            let Some(found) = ages.get(&(category, bucket)) else { continue };
            let names =
                LANGUAGES.map(|language| Cell::from(language.category(category).to_owned()));
            let mut row: Vec<Cell> = names.into();
            row.extend([bucket.to_owned().into(), count(found.breaks), money(found.sum_tiyn)]);
            table.push(row);
        }
    }
    if left_out > 0 {
        let mut row: Vec<Cell> = words(Word::LeftOut).into();
        row.extend([Cell::Empty, count(left_out)]);
        table.push(row);
    }
    let title = format!("{} · {}", statement.window.bank, statement.window.day);
    page.write_string_with_format(0, 0, title, &formats.head)?;
    let heads = ["kk", "ru", "en"].into_iter().zip([Word::Age, Word::Count, Word::Sum]);
    for (at, (code, word)) in heads.enumerate() {
        page.set_column_width(column(at), 34)?;
        page.set_column_width(column(at + 3), 22)?;
        page.write_string_with_format(1, column(at), code, &formats.head)?;
        let head = LANGUAGES.map(|language| language.word(word)).join("\n");
        page.write_string_with_format(1, column(at + 3), head, &formats.head)?;
    }
    page.set_freeze_panes(2, 0)?;
    for (row, cells) in (2..).zip(table) {
        for (at, cell) in cells.iter().enumerate() {
            put(page, (row, column(at)), cell, formats)?;
        }
    }
    Ok(())
}

fn rows(finding: &Finding) -> impl Iterator<Item = Cell> {
    [line(finding.journal.as_ref()), line(finding.register.as_ref())].into_iter().flatten()
}

fn width(head: &str) -> u16 {
    match head {
        "id" | "proposal" => 36,
        "why" | "candidates" => 44,
        "category" | "key" => 24,
        _ if head.ends_with("posted_at") || head.ends_with("e2e_id") => 21,
        _ => 15,
    }
}

fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

fn failed(error: XlsxError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_a_sheet_go_on_to_the_next_and_those_beyond_the_last_are_counted() {
        let (mut book, formats) = (Workbook::new(), Formats::new());
        let mut sheet = Sheet::named("t", 3);
        sheet.page(&mut book, &formats).unwrap();
        for number in 0..11 {
            sheet.row(&mut book, &formats, &[Cell::Number(number)]).unwrap();
        }
        sheet.close(&mut book).unwrap();
        let names: Vec<_> = book.worksheets().iter().map(Worksheet::name).collect();
        assert_eq!(names, ["t", "t-2", "t-3", "t-4"]);
        assert_eq!(sheet.left_out, 11 - 4 * 2);
    }
}
