//! Tables as CSV (RFC 4180), of which no cell can become a formula.

use super::breaks::Entry;
use super::folder;
use crate::reconcile::breaks::Finding;
use crate::reconcile::ingest::source::Line;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// The columns of one side's row, in the order of the neutral form.
pub(super) const ROW_COLUMNS: [&str; 12] = [
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
const BREAK_HEAD: [&str; 14] = [
    "id",
    "category",
    "side",
    "key",
    "since",
    "age_days",
    "age",
    "priority",
    "state",
    "owner",
    "acts",
    "rule",
    "why",
    "candidates",
];
/// The columns of `breaks.csv`: the break, then the journal's row, then the register's.
pub(super) const BREAK_COLUMNS: [&[&str]; 3] = [&BREAK_HEAD, &ROW_COLUMNS, &ROW_COLUMNS];
/// The columns of `pairs.csv`.
pub(super) const PAIR_COLUMNS: [&[&str]; 3] = [&["rule"], &ROW_COLUMNS, &ROW_COLUMNS];

/// A table under way.
pub(super) struct Table {
    to: BufWriter<File>,
}

impl Table {
    /// A table with a line of column names; those of the two rows tell their side.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn new(to: BufWriter<File>, columns: &[&[&str]; 3]) -> io::Result<Self> {
        let [head, journal, register] = columns;
        let names = head.iter().map(|name| (*name).to_owned());
        let names = names
            .chain(journal.iter().map(|name| format!("journal_{name}")))
            .chain(register.iter().map(|name| format!("register_{name}")));
        let names = names.collect::<Vec<_>>();
        Self::named(to, &names)
    }

    /// A table with these names of columns.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn named(mut to: BufWriter<File>, names: &[String]) -> io::Result<Self> {
        write!(to, "{}\r\n", names.join(",")).map(|()| Self { to })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn row(&mut self, cells: &[String]) -> io::Result<()> {
        for (at, text) in cells.iter().enumerate() {
            if at > 0 {
                self.to.write_all(b",")?;
            }
            self.to.write_all(cell(text).as_bytes())?;
        }
        self.to.write_all(b"\r\n")
    }

    /// The last row is written.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(self) -> io::Result<()> {
        folder::close(self.to)
    }
}

/// A text that a spreadsheet shows as it is: what begins like a formula gets an apostrophe (OWASP, CSV
/// injection), what holds a mark of CSV is quoted.
pub(in crate::reconcile) fn cell(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']);
    let text = if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) };
    if text.contains([',', '"', '\n', '\r', ';']) {
        return Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    text
}

/// The cells of a break.
#[must_use]
pub(super) fn entry(entry: &Entry<'_>) -> Vec<String> {
    let finding = entry.finding;
    let mut cells = vec![
        entry.id.clone(),
        entry.category.word().to_owned(),
        finding.side().word().to_owned(),
        text(&finding.key()),
        entry.since.to_string(),
        entry.age.days.to_string(),
        entry.age.bucket.to_owned(),
        entry.priority.to_string(),
        entry.category.state().to_owned(),
        entry.category.owner().to_owned(),
        entry.category.acts().word().to_owned(),
        finding.rule.map_or("", |rule| rule.word()).to_owned(),
        finding.why(),
        finding.candidates.clone(),
    ];
    cells.extend(rows(finding));
    cells
}

/// The cells of a pair that a residual rule made.
#[must_use]
pub(super) fn pair(finding: &Finding) -> Vec<String> {
    let rule = finding.rule.map_or("", |rule| rule.word()).to_owned();
    std::iter::once(rule).chain(rows(finding)).collect()
}

fn rows(finding: &Finding) -> impl Iterator<Item = String> {
    [fields(finding.journal.as_ref()), fields(finding.register.as_ref())].into_iter().flatten()
}

/// The fields of a row as texts; empty ones where there is no row.
#[must_use]
pub(super) fn fields(line: Option<&Line>) -> [String; 12] {
    let mut texts = line.map(Line::text).unwrap_or_default().split(|byte| *byte == b';');
    std::array::from_fn(|_| texts.next().map(text).unwrap_or_default())
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_can_become_no_formula_and_no_second_cell() {
        for (text, shown) in [
            ("GW26112200000017", "GW26112200000017"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=A1,B1", "\"'=A1,B1\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            (">30", ">30"),
        ] {
            assert_eq!(cell(text), shown);
        }
    }
}
