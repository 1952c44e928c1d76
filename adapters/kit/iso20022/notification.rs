//! A bank's notice of what it booked: camt.054.

use super::{
    Broken, ITEMS_MAX, amount, body, document, every, id, one, push_amount, push_other, text,
};
use crate::money::{Amount, Tiyn};
use crate::xml::writer::{push_element, push_nested};
use crate::xml::{Document, Element, Limits};
use std::collections::{BTreeMap, BTreeSet};

/// The version that we write.
const CAMT_054: &str = "camt.054.001.08";

/// One booking, or one payment of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unique at the bank: message, notification and place in it.
    pub event_id: String,
    /// `Refs/EndToEndId`; payments without one are none of ours.
    pub end_to_end_id: String,
    pub amount: Amount,
    /// `BOOK`, `PDNG`.
    pub status: String,
    /// `RvslInd`: the bank takes an earlier booking back.
    pub is_reversal: bool,
    /// `CdtDbtInd` of the payment, else of its entry: `CRDT`, the account has more of it.
    pub is_credit: bool,
    /// `BookgDt`, a day or a moment.
    pub booked_at: Option<String>,
    /// `AcctSvcrRef`: the bank's own number of this payment. That of a booking of several is none's.
    pub reference: Option<String>,
    /// `Refs/TxId`.
    pub txn_id: Option<String>,
}

/// Reads a camt.054 of any version. What is only told (`INFO`, `FUTR`) is no booking and is passed over,
/// and so is what `is_ours` does not know and cannot be read.
///
/// # Errors
/// A public reason; among them payments that do not add up to their entry, and one payment that was
/// booked twice under no number or the same.
pub fn read_camt054(source: &[u8], is_ours: fn(&str) -> bool) -> Result<Vec<Entry>, Broken> {
    let document = Document::scan(source, &Limits::default()).map_err(|error| error.reason)?;
    let body = body(&document, "camt.054", "BkToCstmrDbtCdtNtfctn")?;
    let message_id = id(body, "GrpHdr/MsgId")?.ok_or("message_id_missing")?;
    let (mut entries, mut numbers) = (Vec::new(), Vec::new());
    for notification in every(body, "Ntfctn") {
        let name = id(notification, "Id")?.ok_or("notification_id_missing")?;
        for (at, entry) in every(notification, "Ntry").enumerate() {
            let details: Vec<_> =
                every(entry, "NtryDtls").flat_map(|part| every(part, "TxDtls")).collect();
            let mut read_of_it = Vec::new();
            for (number, detail) in details.iter().enumerate() {
                let event_id = format!("{message_id}/{name}/{at}.{number}");
                let read = read(entry, *detail, (event_id, details.len() == 1), is_ours)?;
                read_of_it.extend(read);
            }
            if !read_of_it.is_empty() {
                check_sum(entry, &details)?;
                let booking = id(entry, "AcctSvcrRef")?;
                let number = |one: &Entry| one.reference.clone().or(booking.clone());
                numbers.extend(read_of_it.iter().map(number));
            }
            entries.append(&mut read_of_it);
            if entries.len() > ITEMS_MAX {
                return Err("too_many_payments");
            }
        }
    }
    check_repeated(&entries, &numbers)?;
    Ok(entries)
}

fn read(
    entry: Element<'_>,
    detail: Element<'_>,
    (event_id, is_only): (String, bool),
    is_ours: fn(&str) -> bool,
) -> Result<Option<Entry>, Broken> {
    let end_to_end_id = id(detail, "Refs/EndToEndId")?;
    let Some(end_to_end_id) = end_to_end_id.filter(|id| id != "NOTPROVIDED") else {
        return Ok(None);
    };
    let status = status(entry)?;
    if matches!(status.as_str(), "INFO" | "FUTR") {
        return Ok(None);
    }
    let own = match own_amount(detail) {
        Err(_) if !is_ours(&end_to_end_id) => return Ok(None),
        own => own?,
    };
    let money = match own {
        // Nobody can divide an entry among several that have no amount of their own.
        None if is_only => amount(entry, "Amt"),
        own => Ok(own),
    };
    let amount = match money.and_then(|money| money.ok_or("amount_missing")) {
        Err(_) if !is_ours(&end_to_end_id) => return Ok(None),
        amount => amount?,
    };
    let is_credit = match is_credit(entry, detail) {
        Err(_) if !is_ours(&end_to_end_id) => return Ok(None),
        side => side?,
    };
    let booking = if is_only { id(entry, "AcctSvcrRef")? } else { None };
    Ok(Some(Entry {
        event_id,
        end_to_end_id,
        amount,
        status,
        is_reversal: is_reversal(entry)?,
        is_credit,
        booked_at: booked_at(entry)?,
        reference: id(detail, "Refs/AcctSvcrRef")?.or(booking),
        txn_id: id(detail, "Refs/TxId")?,
    }))
}

/// `Amt` of a payment, which before version 8 stood deeper.
fn own_amount(detail: Element<'_>) -> Result<Option<Amount>, Broken> {
    Ok(amount(detail, "Amt")?.or(amount(detail, "AmtDtls/TxAmt/Amt")?))
}

/// Before version 8 the code stood in `Sts` itself.
fn status(entry: Element<'_>) -> Result<String, Broken> {
    let element = one(entry, "Sts")?.ok_or("status_missing")?;
    let code = if element.children().next().is_some() { "Sts/Cd" } else { "Sts" };
    Ok(text(entry, code)?.ok_or("entry_status_unknown")?.into_owned())
}

/// Which way money went on the account that is told of; every version asks for it.
fn is_credit(entry: Element<'_>, detail: Element<'_>) -> Result<bool, Broken> {
    let own = text(detail, "CdtDbtInd")?;
    let side = match own {
        Some(side) => side,
        None => text(entry, "CdtDbtInd")?.ok_or("side_missing")?,
    };
    match &*side {
        "CRDT" => Ok(true),
        "DBIT" => Ok(false),
        _ => Err("side_unknown"),
    }
}

/// A word that is none of XML's for true and false is not taken for either.
fn is_reversal(entry: Element<'_>) -> Result<bool, Broken> {
    match text(entry, "RvslInd")?.as_deref() {
        Some("true" | "1") => Ok(true),
        None | Some("false" | "0") => Ok(false),
        Some(_) => Err("reversal_malformed"),
    }
}

/// A day or a moment, whichever is told.
fn booked_at(entry: Element<'_>) -> Result<Option<String>, Broken> {
    let (moment, day) = (text(entry, "BookgDt/DtTm")?, text(entry, "BookgDt/Dt")?);
    let is_wrong = moment.as_deref().is_some_and(|moment| !moment.contains('T'))
        || day
            .as_deref()
            .is_some_and(|day| day.len() < 10 || !day.starts_with(|c: char| c.is_ascii_digit()));
    if is_wrong { Err("date_malformed") } else { Ok(moment.or(day).map(Into::into)) }
}

/// Payments that all have an amount make their entry, unless charges are told of too.
fn check_sum(entry: Element<'_>, details: &[Element<'_>]) -> Result<(), Broken> {
    let has_charges = |part: &Element<'_>| one(*part, "Chrgs").is_ok_and(|found| found.is_some());
    if has_charges(&entry) || details.iter().any(has_charges) {
        return Ok(());
    }
    let mut sum = Tiyn::ZERO;
    for detail in details {
        // Of another currency, or without an amount: nobody can add them up.
        let Ok(Some(amount)) = own_amount(*detail) else { return Ok(()) };
        sum = sum.checked_add(amount.into()).ok_or("amount_too_large")?;
    }
    let whole = amount(entry, "Amt").ok().flatten().map(Tiyn::from);
    if whole.is_some_and(|whole| whole != sum) { Err("sum_wrong") } else { Ok(()) }
}

/// Two bookings of one payment that no number tells apart are one written twice, or money taken twice:
/// only the bank knows which.
fn check_repeated(entries: &[Entry], numbers: &[Option<String>]) -> Result<(), Broken> {
    let mut booked = BTreeSet::new();
    let mut numbered = BTreeMap::new();
    let all = entries.iter().zip(numbers);
    for (entry, number) in all.filter(|(entry, _)| entry.status == "BOOK") {
        let payment = (&entry.end_to_end_id, entry.is_reversal, entry.is_credit);
        let is_new = booked.insert((payment, number));
        let has_number = number.is_some();
        let had_number = *numbered.entry(payment).or_insert(has_number);
        if !is_new || has_number != had_number {
            return Err("payment_repeated");
        }
    }
    Ok(())
}

/// Writes a camt.054 whose entries are of one payment each, on accounts of payers.
#[must_use]
pub fn camt054(message_id: &str, written_at: &str, entries: &[Entry]) -> String {
    document(CAMT_054, "BkToCstmrDbtCdtNtfctn", |out| {
        push_nested(out, "GrpHdr", |out| {
            push_element(out, "MsgId", message_id);
            push_element(out, "CreDtTm", written_at);
        });
        push_nested(out, "Ntfctn", |out| {
            push_element(out, "Id", message_id);
            push_nested(out, "Acct", |out| {
                push_nested(out, "Id", |out| push_other(out, "PAYERS"));
            });
            for entry in entries {
                push_entry(out, entry);
            }
        });
    })
}

fn push_entry(out: &mut String, entry: &Entry) {
    push_nested(out, "Ntry", |out| {
        push_amount(out, "Amt", entry.amount);
        push_element(out, "CdtDbtInd", if entry.is_credit { "CRDT" } else { "DBIT" });
        if entry.is_reversal {
            push_element(out, "RvslInd", "true");
        }
        push_nested(out, "Sts", |out| push_element(out, "Cd", &entry.status));
        if let Some(booked_at) = &entry.booked_at {
            let kind = if booked_at.contains('T') { "DtTm" } else { "Dt" };
            push_nested(out, "BookgDt", |out| push_element(out, kind, booked_at));
        }
        if let Some(reference) = &entry.reference {
            push_element(out, "AcctSvcrRef", reference);
        }
        push_nested(out, "BkTxCd", |out| {
            push_nested(out, "Prtry", |out| push_element(out, "Cd", "BUDGET"));
        });
        push_nested(out, "NtryDtls", |out| {
            push_nested(out, "TxDtls", |out| {
                push_nested(out, "Refs", |out| {
                    push_element(out, "EndToEndId", &entry.end_to_end_id);
                    if let Some(txn_id) = &entry.txn_id {
                        push_element(out, "TxId", txn_id);
                    }
                });
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(id: &str, rest: &str) -> String {
        format!("<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{rest}</TxDtls>")
    }

    fn amount_of(tenge: &str) -> String {
        format!("<Amt Ccy=\"KZT\">{tenge}</Amt>")
    }

    /// An entry of so much money in tenge; `head` is what stands before its payments.
    fn booked(tenge: &str, head: &str, payments: &str) -> String {
        format!(
            "<Ntry>{}<CdtDbtInd>DBIT</CdtDbtInd>{head}<NtryDtls>{payments}</NtryDtls></Ntry>",
            amount_of(tenge)
        )
    }

    fn read_all(entries: &str) -> Result<Vec<(String, i64)>, Broken> {
        let inside =
            format!("<GrpHdr><MsgId>M</MsgId></GrpHdr><Ntfctn><Id>N</Id>{entries}</Ntfctn>");
        let message = document(CAMT_054, "BkToCstmrDbtCdtNtfctn", |out| out.push_str(&inside));
        let entries = read_camt054(message.as_bytes(), |id| id.starts_with("GW"))?;
        Ok(entries.into_iter().map(|one| (one.end_to_end_id, one.amount.tiyn())).collect())
    }

    const BOOK: &str = "<Sts><Cd>BOOK</Cd></Sts>";

    #[test]
    fn a_payment_of_a_batch_has_its_own_amount_or_the_batch_is_nobodys_to_divide() {
        let deep = |tenge: &str| format!("<AmtDtls><TxAmt>{}</TxAmt></AmtDtls>", amount_of(tenge));
        let two = |one: &str, other: &str| payment("GW1", one) + &payment("S", other);
        let cases = [
            (booked("2.50", BOOK, &payment("GW1", "")), Ok(250)),
            (booked("2.50", "<Sts>BOOK</Sts>", &two(&deep("2.00"), &deep(".50"))), Ok(200)),
            (booked("2.50", "<Sts>BOOK</Sts>", &two(&deep("2.00"), &deep("0.50"))), Ok(200)),
            (booked("2.50", BOOK, &two(&amount_of("2.00"), &amount_of("0.50000"))), Ok(200)),
            (booked("2.50", BOOK, &two(&amount_of("2.00"), "")), Ok(200)),
            (booked("2.50", BOOK, &two("", "")), Err("amount_missing")),
            (booked("2.50", BOOK, &two("", &amount_of("0.50"))), Err("amount_missing")),
            (booked("2.50", BOOK, &two(&amount_of("2.00"), &amount_of("0.51"))), Err("sum_wrong")),
            (
                booked(
                    "2.40",
                    &format!("{BOOK}<Chrgs/>"),
                    &two(&amount_of("2.00"), &amount_of("0.50")),
                ),
                Ok(200),
            ),
        ];
        for (entry, expected) in cases {
            let found =
                read_all(&entry).map(|all| all.iter().find(|one| one.0 == "GW1").unwrap().1);
            assert_eq!(found, expected, "{entry}");
        }
    }

    #[test]
    fn what_is_only_told_and_what_is_a_strangers_keeps_no_booking_of_ours_away() {
        let ours = booked("2.50", BOOK, &payment("GW1", ""));
        let foreign = ours.replace("KZT", "USD");
        let twice = "<AcctSvcrRef>1</AcctSvcrRef><AcctSvcrRef>2</AcctSvcrRef>";
        for other in [
            ours.replace("BOOK", "INFO").replace("GW1", "GW2"),
            ours.replace("BOOK", "FUTR").replace("GW1", "GW2"),
            foreign.replace("GW1", "S1"),
            ours.replace("2.50", "-2.50").replace("GW1", "S1"),
            ours.replace("GW1", "NOTPROVIDED"),
            booked("2.50", &[BOOK, twice].concat(), &payment("NOTPROVIDED", "")),
        ] {
            assert_eq!(read_all(&(other + &ours)), Ok(vec![("GW1".to_owned(), 250)]));
        }
        assert_eq!(read_all(&foreign), Err("currency_not_tenge"));
    }

    #[test]
    fn what_says_neither_yes_nor_no_of_a_booking_is_refused() {
        let marked = |mark: &str| booked("2.50", &format!("{mark}{BOOK}"), &payment("GW1", ""));
        for (mark, expected) in [
            ("", Ok(1)),
            ("<RvslInd>false</RvslInd>", Ok(1)),
            ("<RvslInd>1</RvslInd>", Ok(1)),
            ("<RvslInd>TRUE</RvslInd>", Err("reversal_malformed")),
            ("<RvslInd>yes</RvslInd>", Err("reversal_malformed")),
            ("<BookgDt><Dt>soon</Dt></BookgDt>", Err("date_malformed")),
            ("<BookgDt><DtTm>2026-11-22</DtTm></BookgDt>", Err("date_malformed")),
            ("<BookgDt><Dt>2026-11-22</Dt></BookgDt>", Ok(1)),
            ("<CdtDbtInd>CRDT</CdtDbtInd>", Err("element_repeated")),
        ] {
            assert_eq!(read_all(&marked(mark)).map(|all| all.len()), expected, "{mark}");
        }
        let own = marked("").replace("<Cd>BOOK</Cd>", "<Prtry>BOOKED</Prtry>");
        assert_eq!(read_all(&own), Err("entry_status_unknown"));
        let side = |other: &str| marked("").replace("<CdtDbtInd>DBIT</CdtDbtInd>", other);
        assert_eq!(read_all(&side("")), Err("side_missing"));
        assert_eq!(read_all(&side("<CdtDbtInd>debit</CdtDbtInd>")), Err("side_unknown"));
    }

    #[test]
    fn one_payment_booked_twice_under_no_number_of_its_own_is_told_to_the_bank() {
        let numbered = |number: &str| {
            let head = if number.is_empty() {
                BOOK.to_owned()
            } else {
                format!("{BOOK}<AcctSvcrRef>{number}</AcctSvcrRef>")
            };
            booked("2.50", &head, &payment("GW1", ""))
        };
        for (one, other, is_refused) in [
            ("", "", true),
            ("47", "47", true),
            ("47", "", true),
            ("", "47", true),
            ("47", "48", false),
        ] {
            let found = read_all(&(numbered(one) + &numbered(other)));
            assert_eq!(found.is_err(), is_refused, "{one} {other}");
        }
        // Taken and taken back: two bookings, and both are told.
        let back =
            numbered("47").replace("DBIT</CdtDbtInd>", "DBIT</CdtDbtInd><RvslInd>true</RvslInd>");
        assert_eq!(read_all(&(numbered("47") + &back)).map(|all| all.len()), Ok(2));
        let queued = numbered("").replace("BOOK", "PDNG");
        assert_eq!(read_all(&(queued + &numbered(""))).map(|all| all.len()), Ok(2));
    }
}
