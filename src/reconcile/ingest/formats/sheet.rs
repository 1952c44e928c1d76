//! Registers in a workbook: its first sheet that is not empty, by the same description of columns as a text.
//!
//! A workbook is a ZIP archive of XML, so what it unpacks to is measured before it is believed. Formulas
//! are never worked out, and a row that stands on one is refused. A number of a cell is a double; what
//! counts is its shortest decimal text, which is what a person typed.

use super::Sink;
use super::cell::Cell;
use super::columns::{CELLS_MAX, Table};
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use calamine::{DataRef, Dimensions, ExcelDateTime, Reader, Xlsx, XlsxCellReader};
use qaqpa_kit::register::Columns;
use std::fs::File;
use std::io::{BufReader, Read, Seek, sink as nowhere};
use zip::ZipArchive;

/// Files in the archive at most.
const FILES_MAX: usize = 1_000;
/// Bytes that the archive unpacks to at most.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// Bytes of texts that its cells share at most, for they are held in memory.
const TEXTS_BYTES_MAX: u64 = 256 << 20;
/// Cells merged over rows at most; each row is held against them.
const MERGED_MAX: usize = 1_000;
/// Bytes unpacked from one, beyond the first megabyte.
const RATIO_MAX: u64 = 200;
const FREE_BYTES: u64 = 1 << 20;

/// Reads the first sheet that is not empty.
pub(super) fn read(
    file: &File,
    source: &mut dyn Read,
    columns: &Columns,
    sink: &mut Sink<'_, '_>,
) -> Result<(), Stop> {
    // The file's digest first; the archive is read by its places.
    std::io::copy(source, &mut nowhere())?;
    let archive = || -> Result<BufReader<File>, Stop> {
        let mut file = BufReader::new(file.try_clone()?);
        file.rewind()?;
        Ok(file)
    };
    measure(archive()?)?;
    let broken = |error: calamine::XlsxError| {
        Stop::Whole(Reason::new(format!("no workbook that can be read: {error}")))
    };
    let mut workbook: Xlsx<_> = Xlsx::new(archive()?).map_err(broken)?;
    let mut table = Table::new(columns, false);
    let mut is_read = false;
    for name in workbook.sheet_names() {
        if is_read {
            let reader = workbook.worksheet_cells_reader(&name).map_err(broken)?;
            if is_more(reader, columns).map_err(broken)? {
                let reason = format!("the sheet {name} has rows under the same heads too");
                return Err(Stop::Whole(Reason::new(reason)));
            }
            continue;
        }
        let merged = workbook.merge_cells_by_sheet_name(&name).map_err(broken)?;
        let over_rows = |one: &Dimensions| one.start.0 < one.end.0;
        let merged: Vec<_> = merged.into_iter().filter(over_rows).collect();
        if merged.len() > MERGED_MAX {
            let reason = format!("more than {MERGED_MAX} cells are merged over rows");
            return Err(Stop::Whole(Reason::new(reason)));
        }
        let reader = workbook.worksheet_cells_reader(&name).map_err(broken)?;
        is_read = rows(reader, &merged, &mut table, sink)?;
    }
    table.end(sink)
}

/// Whether a further sheet has the same heads, and a row under them: a register in two parts.
fn is_more<R: Read + Seek>(
    mut reader: XlsxCellReader<'_, R>,
    columns: &Columns,
) -> Result<bool, calamine::XlsxError> {
    let (mut heads, mut row) = (Vec::new(), None);
    while let Some(found) = reader.next_cell()? {
        let (at, column) = found.get_position();
        let cell = cell(found.get_value(), false);
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if cell.text.is_empty() || column >= CELLS_MAX {
            continue;
        }
        if *row.get_or_insert(at) != at {
            return Ok(Table::new(columns, false).begins_with(&heads));
        }
        put(&mut heads, column, cell);
    }
    Ok(false)
}

/// Puts a cell in its place; false where one stands there already.
fn put(cells: &mut Vec<Cell>, column: usize, cell: Cell) -> bool {
    if cells.len() <= column {
        cells.resize(column + 1, Cell::default());
    }
    let Some(place) = cells.get_mut(column) else { return true };
    let is_free = *place == Cell::default();
    *place = cell;
    is_free
}

/// The rows of a sheet; false where it has no cell.
fn rows<R: Read + Seek>(
    mut reader: XlsxCellReader<'_, R>,
    merged: &[Dimensions],
    table: &mut Table<'_>,
    sink: &mut Sink<'_, '_>,
) -> Result<bool, Stop> {
    let mut cells: Vec<Cell> = Vec::new();
    let (mut row, mut has_cell) = (0, false);
    loop {
        let next = reader.next_cell_with_formula_metadata().map_err(|error| {
            sink.wrong(u64::from(row) + 1, format!("a cell that cannot be read: {error}"))
        })?;
        let Some(found) = next else { break };
        let (at, column) = found.pos;
        if at != row {
            if at < row {
                return Err(sink.wrong(u64::from(at) + 1, "rows of the sheet are out of order"));
            }
            table.row(u64::from(row) + 1, &cells, sink)?;
            cells.clear();
            row = at;
            // What a person sees in both rows stands in the first one alone.
            let is_shared = |one: &Dimensions| one.start.0 < at && at <= one.end.0;
            let mut shared = merged.iter().filter(|one| is_shared(one));
            if shared.any(|one| table.reads(one.start.1, one.end.1)) {
                let reason = "a cell is merged with one of the row above: each row needs its own";
                return Err(sink.wrong(u64::from(at) + 1, reason));
            }
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= CELLS_MAX {
            continue; // no column of a description stands there
        }
        let cell = cell(&found.value, found.formula.is_some());
        if cell.text.is_empty() && !cell.is_formula {
            continue;
        }
        has_cell = true;
        if !put(&mut cells, column, cell) {
            return Err(sink.wrong(u64::from(at) + 1, "one place of the sheet holds two cells"));
        }
    }
    table.row(u64::from(row) + 1, &cells, sink)?;
    Ok(has_cell)
}

/// Unpacks everything once, into nothing.
fn measure(file: BufReader<File>) -> Result<(), Stop> {
    let packed = file.get_ref().metadata()?.len();
    let whole = |reason: String| Stop::Whole(Reason::new(reason));
    let broken = |error: &dyn std::fmt::Display| whole(format!("no archive: {error}"));
    let mut archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
    if archive.len() > FILES_MAX {
        return Err(whole(format!("more than {FILES_MAX} files in the workbook")));
    }
    let most = UNPACKED_BYTES_MAX.min(packed.saturating_mul(RATIO_MAX).saturating_add(FREE_BYTES));
    let mut unpacked = 0;
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(|error| broken(&error))?;
        let is_texts = file.name().is_ok_and(|name| name.ends_with("sharedStrings.xml"));
        let declared = file.size();
        let most_here = if is_texts { TEXTS_BYTES_MAX } else { most };
        let count = std::io::copy(&mut file.take(most_here + 1), &mut nowhere());
        let count = count.map_err(|error| broken(&error))?;
        unpacked += count;
        if count > most_here || declared > most_here || unpacked > most {
            return Err(whole(format!(
                "the workbook unpacks to more than {RATIO_MAX} times its size, or than 1 GiB"
            )));
        }
    }
    Ok(())
}

fn cell(value: &DataRef<'_>, is_formula: bool) -> Cell {
    let text = |text: String| Cell { text, is_formula, ..Cell::default() };
    match value {
        DataRef::Int(number) => Cell { is_number: true, ..text(number.to_string()) },
        // The shortest text that is this double again, without an exponent.
        DataRef::Float(number) => Cell { is_number: true, ..text(number.to_string()) },
        DataRef::String(words) => text(words.clone()),
        DataRef::SharedString(words) => text((*words).to_owned()),
        DataRef::Bool(truth) => text(truth.to_string()),
        DataRef::DateTime(moment) => moment_of(moment, is_formula),
        DataRef::DateTimeIso(moment) => Cell { is_moment: true, ..text(moment.clone()) },
        DataRef::DurationIso(words) => text(words.clone()),
        DataRef::Error(error) => text(error.to_string()),
        DataRef::Empty => text(String::new()),
    }
}

fn moment_of(moment: &ExcelDateTime, is_formula: bool) -> Cell {
    let (year, month, date, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let mut text = format!("{year:04}-{month:02}-{date:02}");
    if (hour, minute, second) != (0, 0, 0) {
        text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
    }
    Cell { text, is_moment: true, is_formula, is_number: false }
}
