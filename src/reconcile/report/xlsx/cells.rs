//! Cells of a workbook in the types that they have: texts that are never formulas, numbers, money, dates.

use super::super::csv::fields;
use crate::payments::calendar::{OperatingDay, astana, moment_us};
use crate::reconcile::ingest::source::Line;
use jiff::civil::DateTime;
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

/// A spreadsheet keeps fifteen digits of a number; a longer one is written as text.
const NUMBER_MAX: i64 = 999_999_999_999_999;

/// What stands in a cell.
pub(super) enum Cell {
    Empty,
    Text(String),
    Number(i64),
    /// Tiyn, shown as tenge.
    Money(i64),
    Day(OperatingDay),
    /// A civil time in Astana.
    Moment(DateTime),
}

/// How cells look.
pub(super) struct Formats {
    pub(super) head: Format,
    /// A text that begins like a formula stays a text also when somebody edits it.
    pub(super) quoted: Format,
    pub(super) money: Format,
    pub(super) day: Format,
    pub(super) moment: Format,
}

impl Formats {
    /// Of all sheets.
    pub(super) fn new() -> Self {
        Self {
            head: Format::new()
                .set_bold()
                .set_background_color(0x00d9_e2ec)
                .set_border_bottom(FormatBorder::Thin)
                .set_align(FormatAlign::Top)
                .set_text_wrap(),
            quoted: Format::new().set_quote_prefix(),
            money: Format::new().set_num_format("#,##0.00"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        }
    }
}

/// Writes a cell at a row and column.
///
/// # Errors
/// The disk.
pub(super) fn put(
    page: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) if text.is_empty() => {}
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']) => {
            page.write_string_with_format(row, column, text, &formats.quoted)?;
        }
        Cell::Text(text) => {
            page.write_string(row, column, text)?;
        }
        Cell::Number(number) | Cell::Money(number) if number.abs() > NUMBER_MAX => {
            page.write_string(row, column, number.to_string())?;
        }
        Cell::Number(number) => {
            page.write_number(row, column, exact(*number))?;
        }
        Cell::Money(tiyn) => {
            // The nearest double of fifteen digits is shown as these digits: nothing is computed with it.
            page.write_number_with_format(row, column, exact(*tiyn) / 100.0, &formats.money)?;
        }
        Cell::Day(day) => {
            page.write_datetime_with_format(row, column, date(*day)?, &formats.day)?;
        }
        Cell::Moment(moment) => {
            let day = date(OperatingDay::of(moment.date()))?;
            let part = |number: i8| u8::try_from(number).unwrap_or_default();
            let (hour, minute) = (u16::from(part(moment.hour())), part(moment.minute()));
            let moment = day.and_hms(hour, minute, f64::from(part(moment.second())))?;
            page.write_datetime_with_format(row, column, &moment, &formats.moment)?;
        }
    }
    Ok(())
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The twelve fields of a row, in the types that they have.
pub(super) fn line(line: Option<&Line>) -> [Cell; 12] {
    let Some(line) = line else { return std::array::from_fn(|_| Cell::Empty) };
    let moment = |text: &str| moment_us(text).map(astana);
    let mut at = 0_usize;
    fields(Some(line)).map(|field| {
        at += 1;
        match at {
            7 => Cell::Money(line.amount_tiyn),
            10 => moment(&field).map_or(Cell::Text(field), Cell::Moment),
            11 => Cell::Day(line.value),
            _ => Cell::Text(field),
        }
    })
}

/// A day as a spreadsheet counts it.
///
/// # Errors
/// Before 1900.
pub(super) fn date(day: OperatingDay) -> Result<ExcelDateTime, XlsxError> {
    let date = day.date();
    let part = |number: i8| u8::try_from(number).unwrap_or(1);
    let year = u16::try_from(date.year()).unwrap_or(1_900);
    ExcelDateTime::from_ymd(year, part(date.month()), part(date.day()))
}

#[expect(clippy::cast_precision_loss, reason = "at most fifteen digits")]
fn exact(number: i64) -> f64 {
    number as f64
}
