//! Files that banks really send: each format read once from front to back into rows of the neutral form.
//!
//! A reader knows its format and nothing of matching. It hands [`draft::Draft`]s to a [`Sink`] and tells
//! it where the file breaks its own word: control totals, balances, numbers in a sequence. What a format
//! cannot carry stays empty and is not compared. The row that goes on is the neutral text of the draft.

mod amount;
mod camt;
mod cell;
mod columns;
#[cfg(test)]
mod corrupted;
mod decode;
mod draft;
mod lines;
mod moment;
mod mt;
mod mt102;
mod mt940;
mod one_c;
mod sequence;
mod sheet;
mod sink;
#[cfg(test)]
mod strangers;

pub(super) use decode::{Decoded, head, plain, wide};
pub(super) use lines::Lines;

pub use sink::Found;
use sink::Sink;
pub(super) use sink::file;

use super::intake::Stop;
use super::row::Reason;
use qaqpa_kit::register::Columns;
use std::fs::File;
use std::io::Read;

/// How a file writes its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// The neutral form, read by the house's own reader.
    Neutral,
    /// camt.053, camt.054 and camt.052 of any version (ISO 20022).
    Camt,
    /// MT940 and MT942 (SWIFT).
    Mt940,
    /// MT102, and MT100 or MT103 of single payments.
    Mt102,
    /// 1CClientBankExchange.
    OneC,
    /// Columns of a bank's own, as text.
    Csv,
    /// The same in a workbook (Office Open XML).
    Xlsx,
}

/// All formats by the names that they are asked for with.
pub const FORMATS: [(&str, Format); 9] = [
    ("neutral", Format::Neutral),
    ("camt.053", Format::Camt),
    ("camt.054", Format::Camt),
    ("mt940", Format::Mt940),
    ("mt102", Format::Mt102),
    ("1c", Format::OneC),
    ("csv", Format::Csv),
    ("xlsx", Format::Xlsx),
    ("camt", Format::Camt),
];

impl Format {
    /// Its name in manifests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Camt => "camt",
            Self::Mt940 => "mt940",
            Self::Mt102 => "mt102",
            Self::OneC => "1c",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        FORMATS.iter().find(|(word, _)| *word == name).map(|(_, format)| *format)
    }

    /// What the first bytes of a file look like; [`Format::Csv`] where they look like nothing else.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        let head = &*plain(head);
        let text = head.trim_ascii_start();
        if head.starts_with(b"#") || head.is_empty() {
            return Self::Neutral;
        }
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return Self::Xlsx;
        }
        if text.starts_with(b"1CClientBankExchange") {
            return Self::OneC;
        }
        if text.starts_with(b"<") {
            return Self::Camt;
        }
        mt::format(text).unwrap_or(Self::Csv)
    }
}

/// Whose money a register's rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payments {
    /// Every row is a payment, whichever way its money went.
    #[default]
    Both,
    /// Money that came in; what went out is a return.
    Credits,
    /// Money that went out; what came in is a return.
    Debits,
}

/// How registers are to be read.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// `None`: told by the content.
    pub format: Option<Format>,
    /// What the columns of a CSV file or a workbook mean; default: the neutral form's names.
    pub columns: Option<Columns>,
    pub payments: Payments,
}

/// Reads a file of a format that is not the neutral one.
fn read(
    format: Format,
    forms: &Forms,
    (file, source): (&File, &mut dyn Read),
    sink: &mut Sink<'_, '_>,
) -> Result<(), Stop> {
    let usual = Columns::default();
    let columns = forms.columns.as_ref().unwrap_or(&usual);
    match format {
        Format::Neutral => Err(Stop::Whole(Reason::new("not read as a foreign format"))),
        Format::Camt => camt::read(source, sink),
        Format::Mt940 => mt940::read(source, sink),
        Format::Mt102 => mt102::read(source, sink),
        Format::OneC => one_c::read(source, sink),
        Format::Csv => columns::read(source, columns, sink),
        Format::Xlsx => sheet::read(file, source, columns, sink),
    }
}
