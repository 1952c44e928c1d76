//! The neutral form of a Treasury statement: what was credited to the budget on one operating day, of all banks.
//!
//! `#treasury;v=1;opdate=2026-11-22;count=N;sum=S;enc=utf-8`, rows
//! `e2e_id;document;payee_bin;administrator;kbk;amount_tiyn;ccy;value_date;bank` without a line of names,
//! then `#end;sha256=<hex of all bytes before this line>`. The administrator of a budget programme is named
//! by its code of three to seven digits; ids and documents may be empty.

use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::row::{self, Reason};

/// What a statement promises of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub day: OperatingDay,
    pub count: u64,
    pub sum_tiyn: i64,
}

/// A row, borrowed from its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    pub e2e_id: &'a str,
    pub document: &'a str,
    pub payee_bin: &'a str,
    pub administrator: &'a str,
    pub kbk: &'a str,
    pub amount_tiyn: i64,
    pub currency: &'a str,
    pub value_date: &'a str,
    pub bank: &'a str,
}

/// Reads the first line.
///
/// # Errors
/// It is written in another way.
pub fn header(line: &[u8]) -> Result<Header, Reason> {
    let wrong = || Reason::new("header: not #treasury;v=1;opdate=…;count=…;sum=…;enc=utf-8");
    let read = || {
        let line = std::str::from_utf8(line).ok()?;
        let rest = line.strip_prefix("#treasury;v=1;opdate=")?;
        let (day, rest) = rest.split_once(";count=")?;
        let (count, rest) = rest.split_once(";sum=")?;
        let sum = rest.strip_suffix(";enc=utf-8")?;
        let is_whole = |text: &str| {
            !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let day = Some(day).filter(|day| day.len() == 10)?.parse::<jiff::civil::Date>().ok()?;
        let (count, sum) =
            (Some(count).filter(|n| is_whole(n))?, Some(sum).filter(|n| is_whole(n))?);
        Some(Header {
            day: OperatingDay::of(day),
            count: count.parse().ok()?,
            sum_tiyn: sum.parse().ok()?,
        })
    };
    read().ok_or_else(wrong)
}

/// Reads a row.
///
/// # Errors
/// Another number of fields, or one of another shape; the reason names it, never its content.
pub fn row(line: &[u8]) -> Result<Row<'_>, Reason> {
    if !row::is_plain(line) && !row::is_text(line) {
        return Err(Reason::new("not UTF-8, or with control characters"));
    }
    let text = std::str::from_utf8(line).map_err(|_| Reason::new("not UTF-8"))?;
    let fields: Vec<&str> = text.split(';').collect();
    let Ok([e2e_id, document, payee_bin, administrator, kbk, amount, currency, value_date, bank]) =
        <[&str; 9]>::try_from(fields)
    else {
        return Err(Reason::new("not nine fields"));
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = |text: &str, many: usize| text.len() == many && is_digits(text);
    let checks = [
        ("e2e_id: longer than 64 bytes", e2e_id.len() <= row::TEXT_BYTES_MAX),
        ("document: longer than 64 bytes", document.len() <= row::TEXT_BYTES_MAX),
        ("payee_bin: not twelve digits", is_code(payee_bin, 12)),
        (
            "administrator: not three to seven digits",
            (3..=7).contains(&administrator.len()) && is_digits(administrator),
        ),
        ("kbk: not six digits", is_code(kbk, 6)),
        (
            "ccy: not three capital letters",
            currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()),
        ),
        (
            "value_date: no date like 2026-11-22",
            value_date.len() == 10 && value_date.parse::<jiff::civil::Date>().is_ok(),
        ),
        ("bank: not 1 to 35 letters, digits, _ or -", is_bank(bank)),
    ];
    if let Some((reason, _)) = checks.into_iter().find(|(_, is_right)| !is_right) {
        return Err(Reason::new(reason));
    }
    let is_amount = (1..=row::AMOUNT_DIGITS_MAX).contains(&amount.len())
        && is_digits(amount)
        && !amount.starts_with('0');
    let amount_tiyn = is_amount.then(|| amount.parse().ok()).flatten();
    let amount_tiyn =
        amount_tiyn.ok_or_else(|| Reason::new("amount_tiyn: no whole number above zero"))?;
    Ok(Row {
        e2e_id,
        document,
        payee_bin,
        administrator,
        kbk,
        amount_tiyn,
        currency,
        value_date,
        bank,
    })
}

fn is_bank(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=35).contains(&text.len()) && text.bytes().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "GW26112200000017;T-1;990140000017;2180101;108125;1987500;KZT;2026-11-22;BANKKZ9A";

    #[test]
    fn a_row_has_nine_fields_each_of_its_shape() {
        let good = row(LINE.as_bytes()).unwrap();
        assert_eq!(
            (good.administrator, good.kbk, good.amount_tiyn),
            ("2180101", "108125", 1_987_500)
        );
        for (field, text, reason) in [
            (2, "99014000001", "payee_bin"),
            (3, "21", "administrator"),
            (4, "", "kbk"),
            (5, "0", "amount_tiyn"),
            (5, "01", "amount_tiyn"),
            (5, "-5", "amount_tiyn"),
            (6, "kzt", "ccy"),
            (7, "2026-02-30", "value_date"),
            (8, "=cmd", "bank"),
        ] {
            let mut fields: Vec<&str> = LINE.split(';').collect();
            fields[field] = text;
            let line = fields.join(";");
            let refused = row(line.as_bytes()).unwrap_err();
            assert!(refused.0.starts_with(reason), "{line}: {refused}");
        }
        assert!(row(b"a;b").is_err() && row(format!("{LINE};x").as_bytes()).is_err());
    }

    #[test]
    fn a_header_promises_day_count_and_sum() {
        let good = "#treasury;v=1;opdate=2026-11-22;count=2;sum=5;enc=utf-8";
        let read = header(good.as_bytes()).unwrap();
        assert_eq!(
            (read.day.to_string().as_str(), read.count, read.sum_tiyn),
            ("2026-11-22", 2, 5)
        );
        for (from, to) in
            [("v=1", "v=2"), ("count=2", "count=-2"), ("11-22", "13-22"), ("utf-8", "x")]
        {
            assert!(header(good.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }
}
