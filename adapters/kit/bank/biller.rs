//! The questions of `check`/`pay` dialects (Kaspi, OSMP): one reading for all of them; answers differ.

use super::{Ask, Asked, BankRequest, BankTime, Destination, Pay};
use crate::fault::{Code, Fault, Phase};
use crate::money::Amount;
use crate::query::{Query, push_parameter};

/// Characters of a `txn_id`; Kaspi's has 18 digits, OSMP's 20.
pub const TXN_ID_CHARS_MAX: usize = 64;
/// Bytes of an `account`.
pub const ACCOUNT_BYTES_MAX: usize = 200;

/// Ids of the bank, its terminal and their papers.
pub const OWN_IDS: &[&str] =
    &["txn_id", "prv_txn", "prv_txn_id", "trm_id", "trm_txn_id", "terminal_id", "receipt"];

/// Which of the two questions it is, as far as it can be read; `None` for another.
#[must_use]
pub fn is_pay(asked: &Asked<'_>) -> bool {
    Query::read(asked.query).is_ok_and(|query| query.value("command") == Some("pay"))
}

/// Reads `command=check|pay&txn_id=&account=&sum=&txn_date=`. Parameters that no dialect of ours knows
/// are the bank's own and pass; the `sum` of a `check` means nothing and is not read.
///
/// # Errors
/// `caller.malformed` with a reason, phase Receive.
pub fn read(asked: &Asked<'_>) -> Result<Ask, Fault> {
    if asked.method != "GET" {
        return Err(malformed("method_not_get"));
    }
    let query = Query::read(asked.query).map_err(malformed)?;
    let required = |name: &str, reason| query.value(name).ok_or(malformed(reason));
    let txn_id = required("txn_id", "txn_id_missing")?;
    let is_plain = txn_id.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || txn_id.len() > TXN_ID_CHARS_MAX {
        return Err(malformed("txn_id_malformed"));
    }
    let account = required("account", "account_missing")?;
    if account.len() > ACCOUNT_BYTES_MAX {
        return Err(malformed("account_too_long"));
    }
    let (txn_id, account) = (txn_id.to_owned(), account.to_owned());
    match query.value("command") {
        Some("check") => Ok(Ask::Check { txn_id, account }),
        Some("pay") => Ok(Ask::Pay(Pay {
            txn_id,
            account,
            amount: Amount::parse(required("sum", "sum_missing")?)
                .map_err(|error| malformed(error.reason()))?,
            paid_at: query.value("txn_date").map(bank_time).transpose()?,
            document_number: None,
            payer: None,
            to: Destination::default(),
        })),
        Some(_) => Err(malformed("command_unknown")),
        None => Err(malformed("command_missing")),
    }
}

/// What can be told of the request's txn_id, however malformed the rest is.
#[must_use]
pub fn txn_id(asked: &Asked<'_>) -> String {
    let query = Query::read(asked.query).ok();
    let txn_id = query.as_ref().and_then(|query| query.value("txn_id")).unwrap_or_default();
    txn_id.chars().take(TXN_ID_CHARS_MAX).collect()
}

/// `YYYYMMDDHHMMSS`, as banks of these dialects write it: a moment of the country's time.
fn bank_time(text: &str) -> Result<BankTime, Fault> {
    let wrong = malformed("txn_date_malformed");
    let part = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let number: u32 = digits.parse().ok()?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(number)
    };
    let Some([year, month, day, hour, minute, second]) = (text.len() == 14)
        .then(|| {
            let [year, month, day] = [part(0, 4)?, part(4, 6)?, part(6, 8)?];
            Some([year, month, day, part(8, 10)?, part(10, 12)?, part(12, 14)?])
        })
        .flatten()
    else {
        return Err(wrong);
    };
    let is_moment = (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && year >= 2000;
    if !is_moment {
        return Err(wrong);
    }
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

/// Days of a month; none of a month that there is not.
pub(crate) const fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    }
}

const fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

/// The bank's request for one of the two questions; `None` for another.
#[must_use]
pub fn request(path: &'static str, ask: &Ask) -> Option<BankRequest> {
    let mut query = String::new();
    let mut push = |name, value: &str| push_parameter(&mut query, name, value);
    match ask {
        Ask::Check { txn_id, account } => {
            push("command", "check");
            push("txn_id", txn_id);
            push("account", account);
            push("sum", "1.00");
        }
        Ask::Pay(pay) => {
            push("command", "pay");
            push("txn_id", &pay.txn_id);
            if let Some(paid_at) = &pay.paid_at {
                let local = paid_at.get(..19).unwrap_or(paid_at);
                let digits: String = local.chars().filter(char::is_ascii_digit).collect();
                push("txn_date", &digits);
            }
            push("account", &pay.account);
            push("sum", &pay.amount.to_string());
        }
        Ask::Notice(_) => return None,
    }
    Some(BankRequest { method: "GET", path, query, content_type: None, body: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::super::Placement;
    use super::*;

    fn asked(query: &str) -> Asked<'_> {
        Asked {
            method: "GET",
            path: "x",
            query,
            content_type: None,
            accept: None,
            placement: Placement::usual(),
            body: b"",
        }
    }

    #[test]
    fn a_time_that_no_clock_shows_is_refused() {
        for (text, time) in [
            ("20261122143005", Some("2026-11-22T14:30:05")),
            ("20240229235959", Some("2024-02-29T23:59:59")),
            ("20260229000000", None),
            ("21000229000000", None),
            ("20261322143005", None),
            ("20260022143005", None),
            ("20261122243005", None),
            ("20261122146005", None),
            ("20261122143060", None),
            ("2026112214300", None),
            ("202611221430055", None),
            ("2026112214300a", None),
            ("2026112214+005", None),
            ("2026-11-22T14:", None),
        ] {
            assert_eq!(bank_time(text).ok().as_deref(), time, "{text}");
        }
    }

    #[test]
    fn what_a_bank_writes_is_what_is_read() {
        let amount = Amount::parse("19875.07").expect("an amount");
        let (txn_id, account) = ("17".to_owned(), "a charge/1&x".to_owned());
        let pay = Pay {
            txn_id: txn_id.clone(),
            account: account.clone(),
            amount,
            paid_at: Some("2026-11-22T14:30:05".to_owned()),
            document_number: None,
            payer: None,
            to: Destination::default(),
        };
        for ask in [Ask::Check { txn_id, account }, Ask::Pay(pay)] {
            let request = request("x", &ask).expect("a question");
            assert_eq!(read(&asked(&request.query)), Ok(ask));
        }
        assert_eq!(request("x", &Ask::Notice(Vec::new())), None);
    }

    #[test]
    fn a_sum_is_read_where_money_moves_and_nowhere_else() {
        for sum in ["0", "0.00", "-1", "1.005", "1e3", "NaN", "99999999999999999999", ""] {
            let check = format!("command=check&txn_id=1&account=2&sum={sum}");
            assert!(read(&asked(&check)).is_ok(), "{sum}");
            let pay = format!("command=pay&txn_id=1&account=2&sum={sum}");
            assert!(read(&asked(&pay)).is_err(), "{sum}");
        }
    }
}
