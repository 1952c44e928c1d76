//! Registers with columns of a bank's own, by the description in its manifest or in a file.

use super::Sink;
use super::cell::{Cell, amount, moment};
use super::draft::{Draft, set};
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use qaqpa_kit::register::{Column, Columns, FIELDS, Field};
use std::io::Read;

/// Bytes of a row at most, and cells of it.
const ROW_BYTES_MAX: usize = 64 * 1_024;
pub(super) const CELLS_MAX: usize = 512;
const BUFFER_BYTES: usize = 64 * 1_024;

/// Rows of cells on their way to drafts.
pub(super) struct Table<'a> {
    columns: &'a Columns,
    /// The column of each field.
    places: [Option<usize>; FIELDS.len()],
    /// Of the footer: number of rows and sum.
    footer: [Option<usize>; 2],
    rows_before: u32,
    is_headed: bool,
    is_ended: bool,
    /// Every row has all its cells, as in a text.
    is_whole: bool,
    rows: u64,
    sum_tiyn: i128,
    draft: Draft,
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &'a Columns, is_whole: bool) -> Self {
        Self {
            columns,
            places: [None; FIELDS.len()],
            footer: [None; 2],
            rows_before: columns.skip_lines,
            is_headed: false,
            is_ended: false,
            is_whole,
            rows: 0,
            sum_tiyn: 0,
            draft: Draft::default(),
        }
    }

    /// Takes the next row.
    pub(super) fn row(
        &mut self,
        line: u64,
        cells: &[Cell],
        sink: &mut Sink<'_, '_>,
    ) -> Result<(), Stop> {
        if self.rows_before > 0 {
            self.rows_before -= 1;
            return Ok(());
        }
        let first = cells.iter().find(|cell| !cell.text.trim().is_empty());
        let Some(first) = first else { return Ok(()) };
        if self.is_ended {
            return Ok(()); // signatures and seals below the footer
        }
        if !self.is_headed {
            self.is_headed = true;
            self.headed(cells).map_err(|reason| sink.wrong(line, reason))?;
            if self.columns.has_names {
                return Ok(());
            }
        }
        let footer = self.columns.footer.as_ref();
        if footer.is_some_and(|footer| first.text.trim().starts_with(footer.begins.as_str())) {
            self.is_ended = true;
            if let Some(reason) = self.footer(cells) {
                sink.broken(line, reason);
            }
            return Ok(());
        }
        if self.is_whole && self.places.iter().flatten().any(|place| *place >= cells.len()) {
            return Err(sink.wrong(line, "fewer cells than columns: cut off, or no row"));
        }
        self.draft.clear();
        self.draft.line = line;
        let mut has_amount = false;
        for (field, place) in FIELDS.into_iter().zip(self.places) {
            let cell = place.and_then(|at| cells.get(at));
            let read = match (cell, self.columns.constants.get(&field)) {
                (Some(cell), _) if cell.is_formula || !cell.text.trim().is_empty() => {
                    has_amount |= matches!(field, Field::Amount | Field::AmountTiyn);
                    self.cell(field, cell)
                }
                (_, Some(text)) => {
                    self.cell(field, &Cell { text: text.clone(), ..Cell::default() })
                }
                _ => Ok(()),
            };
            read.map_err(|reason| sink.wrong(line, format!("{}: {reason}", field.word())))?;
        }
        if !has_amount {
            return Err(sink.wrong(line, "amount: empty"));
        }
        self.rows += 1;
        self.sum_tiyn += i128::from(self.draft.amount_tiyn);
        if self.draft.posted_at.is_empty() {
            self.draft.posted_at.clone_from(&self.draft.value_date);
        }
        if self.draft.posted_at.is_empty() {
            let reason =
                "no day: posted_at or value_date must be a column, by its name or described";
            return Err(sink.wrong(line, reason));
        }
        sink.push(&self.draft)
    }

    /// Whether these cells are the heads of such a table.
    pub(super) fn begins_with(mut self, cells: &[Cell]) -> bool {
        self.columns.has_names && self.headed(cells).is_ok()
    }

    /// Whether rows are being read, and any of these columns in them.
    pub(super) fn reads(&self, from: u32, to: u32) -> bool {
        let is_among = |place: &usize| u32::try_from(*place).is_ok_and(|at| from <= at && at <= to);
        self.is_headed && !self.is_ended && self.places.iter().flatten().any(is_among)
    }

    /// The last row was taken.
    pub(super) fn end(&self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        sink.found.statements = 1;
        if !self.is_headed {
            return Err(Stop::Whole(Reason::new("no row in it")));
        }
        if let Some(footer) = &self.columns.footer
            && !self.is_ended
        {
            sink.broken(0, format!("no row begins with {}: cut off", footer.begins));
        }
        Ok(())
    }

    /// Finds the columns by the row of heads, where they have names.
    fn headed(&mut self, cells: &[Cell]) -> Result<(), String> {
        let heads: Vec<&str> = cells.iter().map(|cell| cell.text.trim()).collect();
        let find = |name: &str| {
            let mut found = (0..).zip(&heads).filter(|(_, head)| **head == name);
            match (found.next(), found.next()) {
                (Some((at, _)), None) => Ok(at),
                (Some(_), Some(_)) => Err(format!("two columns are headed {name}")),
                (None, _) => Err(format!("no column is headed {name}")),
            }
        };
        let place = |column: &Column| match column {
            Column::Number(number) => Ok(usize::from(*number).saturating_sub(1)),
            Column::Name(name) => find(name),
        };
        for (field, slot) in FIELDS.into_iter().zip(&mut self.places) {
            *slot = match self.columns.columns.get(&field) {
                Some(column) => Some(place(column)?),
                None if self.columns.columns.is_empty() => {
                    let found = find(field.word());
                    // The neutral form has another name for it.
                    let is_currency = field == Field::Currency;
                    found.or_else(|error| if is_currency { find("ccy") } else { Err(error) }).ok()
                }
                None => None,
            };
        }
        let has = |field: Field| {
            let mut fields = FIELDS.iter().zip(&self.places);
            fields.any(|(other, place)| *other == field && place.is_some())
        };
        if !has(Field::Amount) && !has(Field::AmountTiyn) {
            let reason = "header: #register; does not stand first, it is of no other known form, and \
                 no column is headed amount; describe its columns (--columns FILE.toml)";
            return Err(reason.to_owned());
        }
        if let Some(footer) = &self.columns.footer {
            for (column, slot) in [&footer.count, &footer.sum].into_iter().zip(&mut self.footer) {
                *slot = column.as_ref().map(place).transpose()?;
            }
        }
        Ok(())
    }

    fn footer(&self, cells: &[Cell]) -> Option<String> {
        let [count, sum] = self.footer.map(|place| place.map(|at| cells.get(at)));
        let number = |cell: &Cell| cell.text.trim().parse::<u64>().ok();
        if let Some(cell) = count
            && cell.and_then(number) != Some(self.rows)
        {
            return Some(format!("its number of rows is not the {} that there are", self.rows));
        }
        let amount = |cell: &Cell| amount(&cell.text, self.columns.decimal, cell.is_number).ok();
        if let Some(cell) = sum
            && cell.and_then(amount).map(i128::from) != Some(self.sum_tiyn)
        {
            return Some(format!("its sum is not the {} tiyn of the rows", self.sum_tiyn));
        }
        None
    }

    fn cell(&mut self, field: Field, cell: &Cell) -> Result<(), String> {
        if cell.is_formula {
            return Err("a formula; put its value in its place".to_owned());
        }
        let text = cell.text.trim();
        let columns = self.columns;
        let draft = &mut self.draft;
        let padded = |digits: usize| {
            let zeros = if cell.is_number { digits.saturating_sub(text.len()) } else { 0 };
            format!("{}{text}", "0".repeat(zeros))
        };
        match field {
            Field::E2eId => set(&mut draft.e2e_id, text.as_bytes()),
            Field::Receipt => set(&mut draft.receipt, text.as_bytes()),
            Field::Iin => set(&mut draft.iin, padded(12).as_bytes()),
            Field::PayeeBin => set(&mut draft.payee_bin, padded(12).as_bytes()),
            Field::Kbk => set(&mut draft.kbk, padded(6).as_bytes()),
            Field::Knp => set(&mut draft.knp, padded(3).as_bytes()),
            Field::Rail => set(&mut draft.rail, text.as_bytes()),
            Field::Currency => set(&mut draft.currency, text.as_bytes()),
            Field::Status => set(&mut draft.status, status(columns, text)?.as_bytes()),
            Field::Amount | Field::AmountTiyn => {
                let sum = match field {
                    Field::Amount => amount(text, columns.decimal, cell.is_number)?,
                    _ => text.parse().map_err(|_| "no whole number of tiyn")?,
                };
                draft.amount_tiyn = sum.checked_abs().ok_or("beyond 63 bits of tiyn")?;
                draft.is_debit |= sum < 0;
            }
            Field::PostedAt => set(&mut draft.posted_at, &moment(cell, &columns.posted_form)?),
            Field::ValueDate => {
                let mut day = moment(cell, &columns.value_form)?;
                day.truncate(10);
                set(&mut draft.value_date, &day);
            }
            Field::Direction => draft.is_debit |= columns.debits.iter().any(|word| word == text),
        }
        Ok(())
    }
}

fn status<'a>(columns: &'a Columns, text: &'a str) -> Result<&'a str, String> {
    if columns.statuses.is_empty() {
        return Ok(text);
    }
    let found = columns.statuses.get(text).map(String::as_str);
    found.ok_or_else(|| "a word that the description of the columns does not list".to_owned())
}

/// Reads a text with columns.
pub(super) fn read(
    from: &mut dyn Read,
    columns: &Columns,
    sink: &mut Sink<'_, '_>,
) -> Result<(), Stop> {
    let mut input = vec![0; BUFFER_BYTES];
    let filled = from.read(&mut input)?;
    let delimiter = if columns.columns.is_empty() {
        usual(input.get(..filled).unwrap_or_default())
    } else {
        u8::try_from(columns.delimiter).unwrap_or(b';')
    };
    let mut rows = Rows {
        reader: ReaderBuilder::new().delimiter(delimiter).build(),
        from,
        input,
        start: 0,
        filled,
        output: vec![0; ROW_BYTES_MAX],
        ends: vec![0; CELLS_MAX],
        is_quoted: false,
    };
    let mut table = Table::new(columns, true);
    let mut cells = Vec::new();
    loop {
        let line = rows.reader.line();
        sink.at(line);
        if !rows.next(&mut cells)? {
            break;
        }
        table.row(line, &cells, sink)?;
    }
    table.end(sink)
}

/// What parts the columns of a text that nobody has described: the one that its first line has most of.
fn usual(text: &[u8]) -> u8 {
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let count = |sign: &u8| memchr::memchr_iter(*sign, line).count();
    // Of equals the last one wins.
    [b'|', b'\t', b',', b';'].into_iter().max_by_key(count).unwrap_or(b';')
}

struct Rows<'a> {
    reader: Reader,
    from: &'a mut dyn Read,
    input: Vec<u8>,
    start: usize,
    filled: usize,
    output: Vec<u8>,
    ends: Vec<usize>,
    /// The last byte before the end was a quote.
    is_quoted: bool,
}

impl Rows<'_> {
    /// Reads a row; false at the end.
    fn next(&mut self, cells: &mut Vec<Cell>) -> Result<bool, Stop> {
        let (mut written, mut ended) = (0, 0);
        loop {
            if self.start == self.filled {
                let last = self.filled.checked_sub(1).and_then(|at| self.input.get(at));
                self.is_quoted = last == Some(&b'"');
                self.filled = self.from.read(&mut self.input)?;
                self.start = 0;
            }
            let input = self.input.get(self.start..self.filled).unwrap_or_default();
            let output = self.output.get_mut(written..).unwrap_or_default();
            let ends = self.ends.get_mut(ended..).unwrap_or_default();
            let (result, read, out, end) = self.reader.read_record(input, output, ends);
            self.start += read;
            written += out;
            ended += end;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    return Err(Stop::Wrong(Reason::new("a row longer than 64 KiB")));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(Stop::Wrong(Reason::new("a row of more than 512 cells")));
                }
                ReadRecordResult::Record => {
                    let text = self.output.get(..written).unwrap_or_default();
                    let is_last = self.filled == 0 && !self.is_quoted;
                    if is_last && memchr::memchr(b'\n', text).is_some() {
                        return Err(Stop::Wrong(Reason::new("a quote that is never closed")));
                    }
                    break;
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
        cells.clear();
        let mut begin = 0;
        for end in self.ends.get(..ended).unwrap_or_default() {
            let bytes = self.output.get(begin..*end).unwrap_or_default();
            let text = std::str::from_utf8(bytes).map_err(|_| {
                Stop::Wrong(Reason::new("not text of the encoding that is described"))
            })?;
            cells.push(Cell { text: text.to_owned(), ..Cell::default() });
            begin = *end;
        }
        Ok(true)
    }
}
