//! What the columns of a bank's own register mean: data of its `adapter.toml`, or of a file beside it.
//!
//! The same description reads a text with columns and a workbook. It names columns by their heads or
//! their numbers, says how days and amounts are written, and which row ends the rows.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A field of the neutral form, or what one is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    E2eId,
    Receipt,
    Iin,
    PayeeBin,
    Kbk,
    Knp,
    /// Tenge with decimals; below zero it left the account.
    Amount,
    /// Whole tiyn.
    AmountTiyn,
    #[serde(alias = "ccy")]
    Currency,
    Status,
    PostedAt,
    ValueDate,
    Rail,
    /// Which way the money went, in words of `debits`.
    Direction,
}

/// All fields.
pub const FIELDS: [Field; 14] = [
    Field::E2eId,
    Field::Receipt,
    Field::Iin,
    Field::PayeeBin,
    Field::Kbk,
    Field::Knp,
    Field::Amount,
    Field::AmountTiyn,
    Field::Currency,
    Field::Status,
    Field::PostedAt,
    Field::ValueDate,
    Field::Rail,
    Field::Direction,
];

impl Field {
    /// Its key.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::E2eId => "e2e_id",
            Self::Receipt => "receipt",
            Self::Iin => "iin",
            Self::PayeeBin => "payee_bin",
            Self::Kbk => "kbk",
            Self::Knp => "knp",
            Self::Amount => "amount",
            Self::AmountTiyn => "amount_tiyn",
            Self::Currency => "currency",
            Self::Status => "status",
            Self::PostedAt => "posted_at",
            Self::ValueDate => "value_date",
            Self::Rail => "rail",
            Self::Direction => "direction",
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// By its number, from 1.
    Number(u16),
    /// By the text at its head, without the spaces around it.
    Name(String),
}

/// The row that ends the rows, and what it promises of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// Its first cell that is not empty begins so. A file without that row is cut off.
    pub begins: String,
    /// The column with the number of rows.
    #[serde(default)]
    pub count: Option<Column>,
    /// The column with the sum of their amounts.
    #[serde(default)]
    pub sum: Option<Column>,
}

/// How a register with columns is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// Of a text: `utf-8`, `windows-1251`, `cp866` or another name of the Encoding Standard.
    pub encoding: String,
    /// Of a text: what parts its columns, one ASCII character.
    pub delimiter: char,
    /// What parts tenge from tiyn, `.` or `,`; spaces and the other one of the two part thousands.
    pub decimal: char,
    /// Rows before the heads.
    pub skip_lines: u32,
    /// A row of heads comes first.
    pub has_names: bool,
    /// How days and times are written: `YYYY` or `YY`, `MM`, `DD`, `hh`, `mm`, `ss`.
    pub posted_form: String,
    /// The same of value dates.
    pub value_form: String,
    /// Where each field stands; left out, the heads are the fields' names.
    pub columns: BTreeMap<Field, Column>,
    /// Fields that no column tells and that are the same in every row.
    pub constants: BTreeMap<Field, String>,
    /// The bank's words for states of the neutral form. With words, another one is refused.
    pub statuses: BTreeMap<String, String>,
    /// Words of `direction` that mean money out; every other word means money in.
    pub debits: Vec<String>,
    pub footer: Option<Footer>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            encoding: "utf-8".to_owned(),
            delimiter: ';',
            decimal: '.',
            skip_lines: 0,
            has_names: true,
            posted_form: "YYYY-MM-DD".to_owned(),
            value_form: "YYYY-MM-DD".to_owned(),
            columns: BTreeMap::new(),
            constants: BTreeMap::new(),
            statuses: BTreeMap::new(),
            debits: Vec::new(),
            footer: None,
        }
    }
}

impl Columns {
    /// Reads a description.
    ///
    /// # Errors
    /// The key that is unknown or of another type, with its place; or a value that makes no sense.
    pub fn parse(text: &str) -> Result<Self, String> {
        let columns: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        columns.check().map(|()| columns)
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    /// The first one that does not.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |text: &str| Err(text.to_owned());
        if !self.delimiter.is_ascii() || self.delimiter == '"' {
            return wrong("delimiter: one ASCII character that is no quote");
        }
        if !matches!(self.decimal, '.' | ',') {
            return wrong("decimal: . or ,");
        }
        let is_zero = |column: &Column| *column == Column::Number(0);
        let footer = self.footer.iter().flat_map(|footer| [&footer.count, &footer.sum]);
        if self.columns.values().chain(footer.flatten()).any(is_zero) {
            return wrong("a column's number begins at 1");
        }
        let all = || self.columns.values();
        if !self.has_names && all().any(|column| matches!(column, Column::Name(_))) {
            return wrong("columns are named, and has_names is false");
        }
        let has = |field: Field| self.columns.contains_key(&field);
        if !self.columns.is_empty() && has(Field::Amount) == has(Field::AmountTiyn) {
            return wrong("columns: one of amount and amount_tiyn");
        }
        let is_dated = has(Field::PostedAt) || has(Field::ValueDate);
        if !self.columns.is_empty() && !is_dated {
            return wrong("columns: posted_at or value_date");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_columns_by_head_or_number() {
        let read = Columns::parse(
            "decimal = ','\n[columns]\namount = 'Сумма'\nposted_at = 3\nccy = 4\n\
             [footer]\nbegins = 'Итого'\nsum = 2\n",
        )
        .unwrap();
        assert_eq!(read.columns[&Field::Amount], Column::Name("Сумма".to_owned()));
        assert_eq!(read.columns[&Field::PostedAt], Column::Number(3));
        assert_eq!(read.columns[&Field::Currency], Column::Number(4));
        assert_eq!(read.footer.unwrap().sum, Some(Column::Number(2)));
    }

    #[test]
    fn a_description_that_makes_no_sense_is_refused() {
        for text in [
            "decimal = ';'",
            "delimiter = 'ы'",
            "unknown = 1",
            "[columns]\namount = 0\nposted_at = 1",
            "[columns]\namount = 1",
            "[columns]\nposted_at = 1",
            "[columns]\namount = 1\namount_tiyn = 2\nposted_at = 3",
            "has_names = false\n[columns]\namount = 'Sum'\nposted_at = 3",
        ] {
            assert!(Columns::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_field_has_its_key() {
        for field in FIELDS {
            let text = format!("[constants]\n{} = 'x'", field.word());
            assert!(Columns::parse(&text).unwrap().constants.contains_key(&field), "{text}");
        }
    }
}
