//! A bank's notice of what it booked: camt.054.

use super::{Broken, ITEMS_MAX, amount, body, document, every, id, push_amount, push_other, text};
use crate::money::Amount;
use crate::xml::writer::{push_element, push_nested};
use crate::xml::{Document, Element, Limits};

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
    /// `BookgDt`, a day or a moment.
    pub booked_at: Option<String>,
    /// `AcctSvcrRef`: the bank's own number.
    pub reference: Option<String>,
    /// `Refs/TxId`.
    pub txn_id: Option<String>,
}

/// Reads a camt.054 of any version.
///
/// # Errors
/// A public reason.
pub fn read_camt054(source: &[u8]) -> Result<Vec<Entry>, Broken> {
    let document = Document::scan(source, &Limits::default()).map_err(|error| error.reason)?;
    let body = body(&document, "camt.054", "BkToCstmrDbtCdtNtfctn")?;
    let message_id = id(body, "GrpHdr/MsgId")?.ok_or("message_id_missing")?;
    let mut entries = Vec::new();
    for notification in every(body, "Ntfctn") {
        let name = id(notification, "Id")?.ok_or("notification_id_missing")?;
        for (at, entry) in every(notification, "Ntry").enumerate() {
            let details = every(entry, "NtryDtls").flat_map(|part| every(part, "TxDtls"));
            for (number, detail) in details.enumerate() {
                let event_id = format!("{message_id}/{name}/{at}.{number}");
                let Some(read) = read(entry, detail, event_id)? else { continue };
                if entries.len() == ITEMS_MAX {
                    return Err("too_many_payments");
                }
                entries.push(read);
            }
        }
    }
    Ok(entries)
}

fn read(
    entry: Element<'_>,
    detail: Element<'_>,
    event_id: String,
) -> Result<Option<Entry>, Broken> {
    let end_to_end_id = id(detail, "Refs/EndToEndId")?;
    let Some(end_to_end_id) = end_to_end_id.filter(|id| id != "NOTPROVIDED") else {
        return Ok(None);
    };
    let money = amount(detail, "Amt")?.or(amount(entry, "Amt")?);
    let moment = text(entry, "BookgDt/DtTm")?.or(text(entry, "BookgDt/Dt")?);
    let own = id(detail, "Refs/AcctSvcrRef")?;
    Ok(Some(Entry {
        event_id,
        end_to_end_id,
        amount: money.ok_or("amount_missing")?,
        // Before version 8 the code stood in `Sts` itself.
        status: text(entry, "Sts/Cd")
            .ok()
            .flatten()
            .map_or_else(|| text(entry, "Sts"), |code| Ok(Some(code)))?
            .ok_or("status_missing")?
            .into_owned(),
        is_reversal: text(entry, "RvslInd")?.is_some_and(|word| word == "true" || word == "1"),
        booked_at: moment.map(Into::into),
        reference: own.or(id(entry, "AcctSvcrRef")?),
        txn_id: id(detail, "Refs/TxId")?,
    }))
}

/// Writes a camt.054 whose entries are debits of one payment each.
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
        push_element(out, "CdtDbtInd", "DBIT");
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
