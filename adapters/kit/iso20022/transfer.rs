//! Credit transfers: pain.001 to a bank, pacs.008 between banks; with the country's codes where a profile places them.

use super::{
    Broken, ITEMS_MAX, amount, at, body, document, every, exact, id, one, party, push_agent,
    push_amount, push_other, push_party, text,
};
use crate::bank::{Place, Placement};
use crate::money::{Amount, Tiyn};
use crate::xml::writer::{push_element, push_nested};
use crate::xml::{Document, Element, Limits};

/// The versions that we write.
const PAIN_001: &str = "pain.001.001.10";
const PACS_008: &str = "pacs.008.001.10";
/// Characters of `Ustrd`, and how many of them carry the words of a purpose.
const LINE_CHARS_MAX: usize = 140;
const LINES_MAX: usize = 4;

/// One payment of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub end_to_end_id: String,
    /// `TxId`, else `UETR`: the bank's id (pacs.008).
    pub txn_id: Option<String>,
    pub amount: Amount,
    /// IIN or BIN of who really pays: `UltmtDbtr`, else `Dbtr`.
    pub payer: Option<String>,
    /// BIN of who is really paid: `UltmtCdtr`, else `Cdtr`.
    pub payee: Option<String>,
    pub iban: Option<String>,
    pub knp: Option<String>,
    pub kbk: Option<String>,
    pub kbe: Option<String>,
    /// The charge that it pays.
    pub charge: Option<String>,
    /// `RmtInf/Ustrd` without the codes that stand there.
    pub purpose: String,
    /// The end-to-end id of the payment that it gives back.
    pub reverses: Option<String>,
    /// `AccptncDtTm` (pacs.008).
    pub accepted_at: Option<String>,
}

/// What stands around the payments.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h> {
    pub message_id: &'h str,
    /// RFC 3339.
    pub written_at: &'h str,
    /// The payer's bank.
    pub bic: &'h str,
}

/// Writes a pain.001 of one payment. The payer's account is not known here: it is named by IIN or BIN,
/// and the bank finds it.
#[must_use]
pub fn pain001(head: &Head<'_>, transfer: &Transfer, placement: &Placement) -> String {
    let Head { message_id, written_at, bic } = *head;
    let payer = transfer.payer.as_deref().unwrap_or_default();
    let is_refund = transfer.reverses.is_some();
    document(PAIN_001, "CstmrCdtTrfInitn", |out| {
        let totals = |out: &mut String| {
            push_element(out, "NbOfTxs", "1");
            push_element(out, "CtrlSum", &transfer.amount.to_string());
        };
        push_nested(out, "GrpHdr", |out| {
            push_element(out, "MsgId", message_id);
            push_element(out, "CreDtTm", written_at);
            totals(out);
            push_nested(out, "InitgPty", |out| push_element(out, "Nm", "Qaqpa"));
        });
        push_nested(out, "PmtInf", |out| {
            push_element(out, "PmtInfId", message_id);
            push_element(out, "PmtMtd", "TRF");
            totals(out);
            let date = written_at.get(..10).unwrap_or(written_at);
            push_nested(out, "ReqdExctnDt", |out| push_element(out, "Dt", date));
            push_party(out, "Dbtr", payer);
            push_account(out, "DbtrAcct", transfer.iban.as_deref().filter(|_| is_refund), payer);
            push_agent(out, "DbtrAgt", if is_refund { &placement.payee_bic } else { bic });
            push_nested(out, "CdtTrfTxInf", |out| {
                let id = &transfer.end_to_end_id;
                push_nested(out, "PmtId", |out| push_element(out, "EndToEndId", id));
                push_category(out, transfer, placement);
                push_nested(out, "Amt", |out| push_amount(out, "InstdAmt", transfer.amount));
                push_agent(out, "CdtrAgt", if is_refund { bic } else { &placement.payee_bic });
                push_rest(out, transfer, placement, !is_refund);
            });
        });
    })
}

/// Writes a pacs.008 of one payment.
#[must_use]
pub fn pacs008(head: &Head<'_>, transfer: &Transfer, placement: &Placement) -> String {
    let Head { message_id, written_at, bic } = *head;
    let payer = transfer.payer.as_deref().unwrap_or_default();
    document(PACS_008, "FIToFICstmrCdtTrf", |out| {
        push_nested(out, "GrpHdr", |out| {
            push_element(out, "MsgId", message_id);
            push_element(out, "CreDtTm", written_at);
            push_element(out, "NbOfTxs", "1");
            push_amount(out, "TtlIntrBkSttlmAmt", transfer.amount);
            push_element(out, "IntrBkSttlmDt", written_at.get(..10).unwrap_or(written_at));
            push_nested(out, "SttlmInf", |out| push_element(out, "SttlmMtd", "CLRG"));
        });
        push_nested(out, "CdtTrfTxInf", |out| {
            push_nested(out, "PmtId", |out| {
                push_element(out, "EndToEndId", &transfer.end_to_end_id);
                if let Some(txn_id) = &transfer.txn_id {
                    push_element(out, "TxId", txn_id);
                }
            });
            push_category(out, transfer, placement);
            push_amount(out, "IntrBkSttlmAmt", transfer.amount);
            if let Some(accepted_at) = &transfer.accepted_at {
                push_element(out, "AccptncDtTm", accepted_at);
            }
            push_element(out, "ChrgBr", "SLEV");
            push_party(out, "Dbtr", payer);
            push_agent(out, "DbtrAgt", bic);
            push_agent(out, "CdtrAgt", &placement.payee_bic);
            push_rest(out, transfer, placement, true);
        });
    })
}

/// An account by its IBAN, else by its owner; none where neither is known.
fn push_account(out: &mut String, name: &str, iban: Option<&str>, owner: &str) {
    if iban.is_none() && owner.is_empty() {
        return;
    }
    push_nested(out, name, |out| {
        push_nested(out, "Id", |out| match iban {
            Some(iban) => push_element(out, "IBAN", iban),
            None => push_other(out, owner),
        });
    });
}

fn push_category(out: &mut String, transfer: &Transfer, placement: &Placement) {
    if let Some(value) = placed(transfer, placement, Place::CategoryPurpose) {
        push_nested(out, "PmtTpInf", |out| {
            push_nested(out, "CtgyPurp", |out| push_element(out, "Prtry", value));
        });
    }
}

/// The creditor and all that follows; the order is the same in both messages.
fn push_rest(out: &mut String, transfer: &Transfer, placement: &Placement, has_iban: bool) {
    let payee = transfer.payee.as_deref().unwrap_or_default();
    push_party(out, "Cdtr", payee);
    push_account(out, "CdtrAcct", transfer.iban.as_deref().filter(|_| has_iban), payee);
    if let Some(value) = placed(transfer, placement, Place::Purpose) {
        push_nested(out, "Purp", |out| push_element(out, "Prtry", value));
    }
    if let Some(value) = placed(transfer, placement, Place::RegulatoryReporting) {
        push_nested(out, "RgltryRptg", |out| {
            push_nested(out, "Dtls", |out| push_element(out, "Cd", value));
        });
    }
    push_nested(out, "RmtInf", |out| {
        let values = values(transfer, placement).into_iter();
        let tagged: Vec<String> = values
            .filter(|(place, ..)| *place == Place::Remittance)
            .filter_map(|(_, tag, value)| Some(format!("/{tag}/{}", value?)))
            .collect();
        if !tagged.is_empty() {
            push_element(out, "Ustrd", &tagged.join(" "));
        }
        for line in words(&transfer.purpose) {
            push_element(out, "Ustrd", &line);
        }
        push_structured(out, transfer, placement);
    });
}

/// The words of a purpose in lines; none of them looks like a code, whoever wrote it.
fn words(purpose: &str) -> Vec<String> {
    let mut plain: String = purpose.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for tag in ["/KNP/", "/KBK/", "/KBE/", "/CHARGE/"] {
        plain = plain.replace(tag, &tag.replace('/', " "));
    }
    let chars: Vec<char> = plain.chars().take(LINE_CHARS_MAX * LINES_MAX).collect();
    let lines = chars.chunks(LINE_CHARS_MAX).map(|line| line.iter().collect::<String>());
    lines
        .map(|line| line.strip_prefix('/').map_or(line.clone(), |rest| format!(" {rest}")))
        .collect()
}

fn push_structured(out: &mut String, transfer: &Transfer, placement: &Placement) {
    let reference = placed(transfer, placement, Place::CreditorReference);
    let category = placed(transfer, placement, Place::TaxCategory);
    let reverses = transfer.reverses.as_deref();
    if reference.or(category).or(reverses).is_none() {
        return;
    }
    push_nested(out, "Strd", |out| {
        if let Some(reverses) = reverses {
            push_nested(out, "RfrdDocInf", |out| push_element(out, "Nb", reverses));
        }
        if let Some(reference) = reference {
            push_nested(out, "CdtrRefInf", |out| push_element(out, "Ref", reference));
        }
        if let Some(category) = category {
            push_nested(out, "TaxRmt", |out| {
                push_nested(out, "Rcrd", |out| push_element(out, "Ctgy", category));
            });
        }
    });
}

fn values<'t>(
    transfer: &'t Transfer,
    placement: &Placement,
) -> [(Place, &'static str, Option<&'t str>); 4] {
    [
        (placement.knp, "KNP", transfer.knp.as_deref()),
        (placement.kbk, "KBK", transfer.kbk.as_deref()),
        (placement.kbe, "KBE", transfer.kbe.as_deref()),
        (placement.charge, "CHARGE", transfer.charge.as_deref()),
    ]
}

/// The value that stands in a place which holds one.
fn placed<'t>(transfer: &'t Transfer, placement: &Placement, at: Place) -> Option<&'t str> {
    values(transfer, placement).into_iter().find(|(place, ..)| *place == at)?.2
}

/// Reads a pain.001 of any version.
///
/// # Errors
/// A public reason; among them totals that are not the sum of the payments.
pub fn read_pain001(source: &[u8], placement: &Placement) -> Result<Vec<Transfer>, Broken> {
    let document = Document::scan(source, &Limits::default()).map_err(|error| error.reason)?;
    let body = body(&document, "pain.001", "CstmrCdtTrfInitn")?;
    let mut transfers = Vec::new();
    for group in every(body, "PmtInf") {
        for item in every(group, "CdtTrfTxInf") {
            let money = amount(item, "Amt/InstdAmt")?.ok_or("amount_missing")?;
            let payer = party(group, "UltmtDbtr")?.or(party(group, "Dbtr")?);
            push(&mut transfers, Transfer { payer, ..transfer(item, money, placement)? })?;
        }
    }
    let sum = text(body, "GrpHdr/CtrlSum")?;
    let sum =
        sum.map(|sum| Tiyn::parse(exact(&sum))).transpose().map_err(|error| error.reason())?;
    check_totals(body, sum, &transfers)?;
    Ok(transfers)
}

/// Reads a pacs.008 of any version.
///
/// # Errors
/// As [`read_pain001`].
pub fn read_pacs008(source: &[u8], placement: &Placement) -> Result<Vec<Transfer>, Broken> {
    let document = Document::scan(source, &Limits::default()).map_err(|error| error.reason)?;
    let body = body(&document, "pacs.008", "FIToFICstmrCdtTrf")?;
    let mut transfers = Vec::new();
    for item in every(body, "CdtTrfTxInf") {
        let money = amount(item, "IntrBkSttlmAmt")?.ok_or("amount_missing")?;
        let txn_id = id(item, "PmtId/TxId")?;
        let transfer = Transfer {
            txn_id: match txn_id {
                Some(txn_id) => Some(txn_id),
                None => text(item, "PmtId/UETR")?.map(Into::into),
            },
            payer: party(item, "UltmtDbtr")?.or(party(item, "Dbtr")?),
            accepted_at: text(item, "AccptncDtTm")?.map(Into::into),
            ..transfer(item, money, placement)?
        };
        push(&mut transfers, transfer)?;
    }
    check_totals(body, amount(body, "GrpHdr/TtlIntrBkSttlmAmt")?.map(Tiyn::from), &transfers)?;
    Ok(transfers)
}

fn push(transfers: &mut Vec<Transfer>, transfer: Transfer) -> Result<(), Broken> {
    if transfers.len() == ITEMS_MAX {
        return Err("too_many_payments");
    }
    transfers.push(transfer);
    Ok(())
}

/// Number and sum must be those of the payments, before any of them is believed.
fn check_totals(
    body: Element<'_>,
    sum: Option<Tiyn>,
    transfers: &[Transfer],
) -> Result<(), Broken> {
    let count = text(body, "GrpHdr/NbOfTxs")?.ok_or("count_missing")?;
    if count.starts_with('+') || count.parse() != Ok(transfers.len()) {
        return Err("count_wrong");
    }
    let mut amounts = transfers.iter().map(|transfer| Tiyn::from(transfer.amount));
    let total = amounts.try_fold(Tiyn::ZERO, Tiyn::checked_add).ok_or("amount_too_large")?;
    if sum.is_some_and(|sum| sum != total) { Err("sum_wrong") } else { Ok(()) }
}

fn transfer(item: Element<'_>, money: Amount, placement: &Placement) -> Result<Transfer, Broken> {
    let (tagged, purpose) = remittance(item)?;
    let value = |place: Place, tag: &str| match place {
        Place::Purpose => text(item, "Purp/Prtry"),
        Place::CategoryPurpose => text(item, "PmtTpInf/CtgyPurp/Prtry"),
        Place::RegulatoryReporting => text(item, "RgltryRptg/Dtls/Cd"),
        Place::TaxCategory => structured(item, "TaxRmt/Rcrd/Ctgy"),
        Place::CreditorReference => structured(item, "CdtrRefInf/Ref"),
        Place::Remittance => {
            Ok(tagged.iter().find(|line| line.0 == tag).map(|line| line.1.clone().into()))
        }
        Place::Absent => Ok(None),
    };
    let value = |place, tag| Ok::<_, Broken>(value(place, tag)?.map(Into::into));
    Ok(Transfer {
        end_to_end_id: id(item, "PmtId/EndToEndId")?.ok_or("end_to_end_id_missing")?,
        txn_id: None,
        amount: money,
        payer: None,
        payee: party(item, "UltmtCdtr")?.or(party(item, "Cdtr")?),
        iban: text(item, "CdtrAcct/Id/IBAN")?.map(Into::into),
        knp: value(placement.knp, "KNP")?,
        kbk: value(placement.kbk, "KBK")?,
        kbe: value(placement.kbe, "KBE")?,
        charge: value(placement.charge, "CHARGE")?,
        purpose,
        reverses: structured(item, "RfrdDocInf/Nb")?.map(Into::into),
        accepted_at: None,
    })
}

/// What stands in the one `Strd` that has it.
fn structured<'d>(
    item: Element<'d>,
    path: &str,
) -> Result<Option<std::borrow::Cow<'d, str>>, Broken> {
    let Some(remittance) = one(item, "RmtInf")? else { return Ok(None) };
    let mut found = None;
    for part in every(remittance, "Strd") {
        if let Some(text) = text(part, path)?
            && found.replace(text).is_some()
        {
            return Err("element_repeated");
        }
    }
    Ok(found)
}

/// Tags with their values, and the words without them.
fn remittance(item: Element<'_>) -> Result<(Vec<(String, String)>, String), Broken> {
    let (mut tagged, mut words) = (Vec::<(String, String)>::new(), String::new());
    let Some(remittance) = at(item, "RmtInf")? else { return Ok((tagged, words)) };
    for line in every(remittance, "Ustrd") {
        let line = line.plain_text().map_err(|error| error.reason)?;
        if !line.starts_with('/') {
            words.push_str(&line);
            continue;
        }
        for token in line.split_whitespace() {
            let pair = token.strip_prefix('/').and_then(|rest| rest.split_once('/'));
            let Some((tag, value)) = pair else { continue };
            if tagged.iter().any(|(known, _)| known == tag) {
                return Err("element_repeated");
            }
            tagged.push((tag.to_owned(), value.to_owned()));
        }
    }
    Ok((tagged, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_of_a_payer_become_a_code_of_the_payment() {
        let placement = Placement { kbk: Place::Remittance, ..Placement::default() };
        let transfer = Transfer {
            end_to_end_id: "GW1".to_owned(),
            txn_id: None,
            amount: Amount::new(7).expect("an amount"),
            payer: Some("900101300017".to_owned()),
            payee: Some("990140000017".to_owned()),
            iban: None,
            knp: Some("911".to_owned()),
            kbk: Some("108125".to_owned()),
            kbe: Some("11".to_owned()),
            charge: None,
            purpose: format!("/KBK/204160 x /KBK/204160{}/KBE/19", " ".repeat(115)),
            reverses: None,
            accepted_at: None,
        };
        let head = Head { message_id: "GW1", written_at: "2026-11-22T14:30:05+05:00", bic: "B" };
        let written = pain001(&head, &transfer, &placement);
        let read = read_pain001(written.as_bytes(), &placement).expect("a message");
        assert_eq!(read[0].kbk.as_deref(), Some("108125"));
        assert_eq!(read[0].kbe.as_deref(), Some("11"));
        assert!(!written.contains("/KBK/204160"), "{written}");
    }
}
