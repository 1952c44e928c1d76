//! Reports of what became of payments: pain.002 and pacs.002.

use super::{Broken, ITEMS_MAX, amount, body, document, every, id, one, push_amount, text};
use crate::money::Amount;
use crate::xml::writer::{push_element, push_nested};
use crate::xml::{Document, Element, Limits};

/// The version of pain.002 that we write.
pub const PAIN_002: &str = "pain.002.001.12";
/// The version of pacs.002 that we write.
pub const PACS_002: &str = "pacs.002.001.12";

/// What is said of one payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `OrgnlEndToEndId`; where the whole group or instruction is meant, its own id.
    pub end_to_end_id: String,
    /// `TxSts`, `PmtInfSts` or `GrpSts`.
    pub code: String,
    /// `StsRsnInf/Rsn/Cd` or `Prtry`, the first one.
    pub reason: Option<String>,
    /// The others.
    pub more_reasons: Vec<String>,
    /// `StsRsnInf/AddtlInf`, the first one.
    pub words: Option<String>,
    /// `OrgnlTxRef`: the amount that was instructed or settled.
    pub amount: Option<Amount>,
    /// `AccptncDtTm`.
    pub accepted_at: Option<String>,
    /// `AcctSvcrRef`: the bank's own number.
    pub reference: Option<String>,
    /// Said of a group or an instruction, not of the payment itself.
    pub is_of_group: bool,
}

/// Reads a pain.002 or a pacs.002 of any version: the payments one by one, and of a group that names
/// none, the group.
///
/// # Errors
/// A public reason.
pub fn read_statuses(source: &[u8]) -> Result<Vec<Status>, Broken> {
    let document = Document::scan(source, &Limits::default()).map_err(|error| error.reason)?;
    let mut statuses = Vec::new();
    match body(&document, "pain.002", "CstmrPmtStsRpt") {
        Ok(report) => {
            for group in every(report, "OrgnlPmtInfAndSts") {
                transactions(group, &mut statuses)?;
                grouped(group, "OrgnlPmtInfId", "PmtInfSts", &mut statuses)?;
            }
            if let Some(group) = one(report, "OrgnlGrpInfAndSts")? {
                grouped(group, "OrgnlMsgId", "GrpSts", &mut statuses)?;
            }
        }
        Err(_) => {
            let report = body(&document, "pacs.002", "FIToFIPmtStsRpt")?;
            transactions(report, &mut statuses)?;
            for group in every(report, "OrgnlGrpInfAndSts") {
                grouped(group, "OrgnlMsgId", "GrpSts", &mut statuses)?;
            }
        }
    }
    Ok(statuses)
}

fn transactions(parent: Element<'_>, statuses: &mut Vec<Status>) -> Result<(), Broken> {
    for one in every(parent, "TxInfAndSts") {
        let Some(end_to_end_id) = id(one, "OrgnlEndToEndId")? else { continue };
        let mut status = status(one, "TxSts", end_to_end_id)?;
        let settled = amount(one, "OrgnlTxRef/IntrBkSttlmAmt")?;
        status.amount = settled.or(amount(one, "OrgnlTxRef/Amt/InstdAmt")?);
        status.accepted_at = text(one, "AccptncDtTm")?.map(Into::into);
        status.reference = id(one, "AcctSvcrRef")?;
        push(statuses, status)?;
    }
    Ok(())
}

/// What is said of a whole group, where it says anything.
fn grouped(
    parent: Element<'_>,
    name: &str,
    code: &str,
    statuses: &mut Vec<Status>,
) -> Result<(), Broken> {
    let (Some(id), Some(_)) = (id(parent, name)?, text(parent, code)?) else { return Ok(()) };
    let status = Status { is_of_group: true, ..status(parent, code, id)? };
    push(statuses, status)
}

fn push(statuses: &mut Vec<Status>, status: Status) -> Result<(), Broken> {
    if statuses.len() == ITEMS_MAX {
        return Err("too_many_payments");
    }
    statuses.push(status);
    Ok(())
}

fn status(parent: Element<'_>, code: &str, end_to_end_id: String) -> Result<Status, Broken> {
    let code = text(parent, code)?.ok_or("status_missing")?.into_owned();
    let (mut reason, mut words, mut more_reasons) = (None, None, Vec::new());
    for (at, told) in every(parent, "StsRsnInf").enumerate() {
        let found = text(told, "Rsn/Cd")?.or(text(told, "Rsn/Prtry")?).map(String::from);
        if at > 0 {
            more_reasons.extend(found);
            continue;
        }
        reason = found;
        let first = every(told, "AddtlInf").next();
        words = first.map(|first| first.text().trim().to_owned());
    }
    Ok(Status { end_to_end_id, code, reason, more_reasons, words, ..Status::default() })
}

/// A report to write.
#[derive(Clone, Copy, Debug)]
pub struct StatusReport<'r> {
    /// [`PAIN_002`] or [`PACS_002`].
    pub version: &'r str,
    pub message_id: &'r str,
    /// RFC 3339.
    pub written_at: &'r str,
    /// The message that was reported on, and its kind, `pain.001.001.10`.
    pub original: (&'r str, &'r str),
}

/// Writes a report of either kind.
#[must_use]
pub fn write_statuses(report: &StatusReport<'_>, statuses: &[Status]) -> String {
    let is_pain = report.version.starts_with("pain.");
    let name = if is_pain { "CstmrPmtStsRpt" } else { "FIToFIPmtStsRpt" };
    document(report.version, name, |out| {
        push_nested(out, "GrpHdr", |out| {
            push_element(out, "MsgId", report.message_id);
            push_element(out, "CreDtTm", report.written_at);
        });
        let (message_id, kind) = report.original;
        push_nested(out, "OrgnlGrpInfAndSts", |out| {
            push_element(out, "OrgnlMsgId", message_id);
            push_element(out, "OrgnlMsgNmId", kind);
        });
        for status in statuses {
            if is_pain {
                push_nested(out, "OrgnlPmtInfAndSts", |out| {
                    push_element(out, "OrgnlPmtInfId", message_id);
                    push_status(out, status, true);
                });
            } else {
                push_status(out, status, false);
            }
        }
    })
}

fn push_status(out: &mut String, status: &Status, is_pain: bool) {
    push_nested(out, "TxInfAndSts", |out| {
        push_element(out, "OrgnlEndToEndId", &status.end_to_end_id);
        push_element(out, "TxSts", &status.code);
        if status.reason.is_some() || status.words.is_some() {
            push_nested(out, "StsRsnInf", |out| {
                if let Some(reason) = &status.reason {
                    push_nested(out, "Rsn", |out| push_element(out, "Cd", reason));
                }
                if let Some(words) = &status.words {
                    let words: String = words.chars().take(105).collect();
                    push_element(out, "AddtlInf", &words);
                }
            });
        }
        if let Some(accepted_at) = &status.accepted_at {
            push_element(out, "AccptncDtTm", accepted_at);
        }
        if let Some(reference) = &status.reference {
            push_element(out, "AcctSvcrRef", reference);
        }
        if let Some(amount) = status.amount {
            push_nested(out, "OrgnlTxRef", |out| {
                if is_pain {
                    push_nested(out, "Amt", |out| push_amount(out, "InstdAmt", amount));
                } else {
                    push_amount(out, "IntrBkSttlmAmt", amount);
                }
            });
        }
    });
}
