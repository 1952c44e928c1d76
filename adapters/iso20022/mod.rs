//! A bank that speaks ISO 20022: orders as pain.001, its words as pain.002, pacs.002, camt.054 and pacs.008.
//!
//! | we ask | with | and read |
//! |---|---|---|
//! | pay | `POST /pain.001` | pain.002 or pacs.002 |
//! | what became of it | `GET /pain.002?EndToEndId=…` | the same |
//!
//! | the bank sends to `/bank/{bank}/iso20022` | it means | we answer |
//! |---|---|---|
//! | pain.002, pacs.002 | a word about orders of ours | admi.007 |
//! | camt.054 | it booked them, took a booking back, or money of them went back | admi.007 |
//! | pacs.008 with our end-to-end ids | it booked them | pacs.002 |
//! | pacs.008 with one other payment | a customer of its own paid the charge that it names | pacs.002 |
//!
//! What we cannot take now is answered with HTTP 503 and no message at all: the bank sends the same again.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{Adapter, HttpAnswer, HttpOutgoing, Simulator};
use qaqpa_kit::bank::{
    About, Accounts, Ask, Asked, Asker, BankAnswer, Destination, Mirror, Notice, Order, Pay,
    Provider, Said, Teller, Told, Verdict, Word,
};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::iso20022::{
    self, Entry, Head, PACS_002, Status, StatusReport, Transfer, read_camt054, read_pacs008,
    read_statuses, write_statuses,
};
use qaqpa_kit::manifest::{Manifest, ManifestError, unlisted_code};
use qaqpa_kit::query::push_parameter;
use simulator::Bank;
use wire::is_ours;

/// What stands after the bank's id in the path.
pub const PATH: &str = "iso20022";
/// The HTTP status that asks for the same message again.
const AGAIN: u16 = 503;

/// The dialect.
pub struct Iso20022 {
    manifest: Manifest,
}

impl Iso20022 {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for Iso20022 {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&Bank)
    }

    fn provider(&self) -> Option<&dyn Provider> {
        Some(self)
    }

    fn teller(&self) -> Option<&dyn Teller> {
        Some(self)
    }
}

impl Teller for Iso20022 {
    fn submit(&self, order: &Order<'_>) -> Result<HttpOutgoing, Fault> {
        // The message's id is the order's: a bank that knows messages knows the same one again.
        let head =
            Head { message_id: order.end_to_end_id, written_at: order.opened_at, bic: order.bic };
        let body = iso20022::pain001(&head, &transfer_of(order), order.placement).into_bytes();
        let (path, content_type) = ("/pain.001".to_owned(), Some("application/xml"));
        Ok(HttpOutgoing { method: "POST", path, content_type, body })
    }

    fn submitted(&self, order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault> {
        let word = word_of(order, answer)?;
        // Who was just given it cannot say that there is none.
        if word.said == Said::NotFound { Err(unlisted_code(&word.note)) } else { Ok(word) }
    }

    fn inquire(&self, order: &Order<'_>) -> Result<HttpOutgoing, Fault> {
        let mut query = String::new();
        push_parameter(&mut query, "EndToEndId", order.end_to_end_id);
        let path = format!("/pain.002?{query}");
        Ok(HttpOutgoing { method: "GET", path, content_type: None, body: Vec::new() })
    }

    fn inquired(&self, order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault> {
        word_of(order, answer)
    }

    fn mirror(&self) -> Option<&dyn Mirror> {
        Some(&Bank)
    }
}

fn transfer_of(order: &Order<'_>) -> Transfer {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // A refund goes the other way.
    let is_refund = order.reverses.is_some();
    let (from, to) =
        if is_refund { (order.payee, order.payer) } else { (order.payer, order.payee) };
    Transfer {
        end_to_end_id: order.end_to_end_id.to_owned(),
        txn_id: None,
        amount: order.amount,
        payer: some(from),
        payee: some(to),
        iban: some(order.iban),
        knp: some(order.knp),
        kbk: some(order.kbk),
        kbe: some(order.kbe),
        charge: None,
        purpose: order.purpose.to_owned(),
        reverses: order.reverses.map(str::to_owned),
        accepted_at: None,
    }
}

/// What a report says of this order: of it alone, or of the group that holds nothing else.
fn word_of(order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault> {
    if !matches!(answer.status, 200..=202) {
        return Err(unlisted_code(&answer.status.to_string()));
    }
    let broken = |reason| Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason);
    let statuses = read_statuses(answer.body).map_err(broken)?;
    let about = |is_of_group: bool| {
        let id = order.end_to_end_id;
        let is_it = move |one: &&Status| one.is_of_group == is_of_group && one.end_to_end_id == id;
        statuses.iter().filter(is_it)
    };
    let mut own = about(false);
    let status = match (own.next(), own.next()) {
        (Some(status), None) => status,
        (Some(_), Some(_)) => return Err(broken("payment_repeated")),
        (None, _) => about(true).next().ok_or(broken("another_payment"))?,
    };
    wire::word(status).ok_or_else(|| unlisted_code(&wire::note(status)))
}

impl Provider for Iso20022 {
    fn read(&self, asked: &Asked<'_>) -> Result<Ask, Fault> {
        if asked.path != PATH {
            return Err(malformed("path_unknown"));
        }
        if asked.method != "POST" {
            return Err(malformed("method_not_post"));
        }
        let notices: Vec<Notice> = match iso20022::kind(asked.body).as_str() {
            "pain.002" | "pacs.002" => {
                let statuses = read_statuses(asked.body).map_err(malformed)?;
                statuses.iter().filter_map(of_status).collect()
            }
            "camt.054" => {
                let entries = read_camt054(asked.body, is_ours).map_err(malformed)?;
                let accounts = asked.placement.accounts;
                let read = entries.into_iter().map(|entry| of_entry(entry, accounts));
                read.collect::<Result<_, _>>()?
            }
            "pacs.008" => {
                let transfers = read_pacs008(asked.body, asked.placement).map_err(malformed)?;
                if let [transfer] = transfers.as_slice()
                    && !is_ours(&transfer.end_to_end_id)
                {
                    return pay(transfer).map(Ask::Pay);
                }
                transfers.into_iter().map(of_transfer).collect::<Result<_, _>>()?
            }
            _ => return Err(malformed("message_unknown")),
        };
        if notices.is_empty() {
            Err(malformed("nothing_of_ours"))
        } else {
            Ok(Ask::Notice(notices))
        }
    }

    fn write(&self, asked: &Asked<'_>, told: &Told) -> BankAnswer {
        let Some((code, reason)) = wire::told(told.verdict) else {
            let (content_type, body) = ("text/plain", told.words().as_bytes().to_vec());
            return BankAnswer { status: AGAIN, content_type, body };
        };
        let body = match read_pacs008(asked.body, asked.placement) {
            Ok(transfers) => {
                let statuses: Vec<Status> = transfers
                    .into_iter()
                    .map(|transfer| Status {
                        end_to_end_id: transfer.end_to_end_id,
                        code: code.to_owned(),
                        reason: reason.map(str::to_owned),
                        words: (code == "RJCT").then(|| told.words().to_owned()),
                        ..Status::default()
                    })
                    .collect();
                let (message_id, written_at) = iso20022::head(asked.body);
                write_statuses(
                    &StatusReport {
                        version: PACS_002,
                        message_id: &message_id,
                        written_at: &written_at,
                        original: (&message_id, "pacs.008"),
                    },
                    &statuses,
                )
            }
            Err(_) => {
                let (message_id, _) = iso20022::head(asked.body);
                iso20022::admi007(&message_id, code, told.words())
            }
        };
        BankAnswer {
            status: if told.verdict == Verdict::Forbidden { 403 } else { 200 },
            content_type: "application/xml",
            body: body.into_bytes(),
        }
    }

    fn own_ids(&self) -> &'static [&'static str] {
        &[
            "MsgId",
            "PmtInfId",
            "InstrId",
            "EndToEndId",
            "TxId",
            "UETR",
            "ClrSysRef",
            "AcctSvcrRef",
            "NtryRef",
            "StsId",
            "OrgnlMsgId",
            "OrgnlPmtInfId",
            "OrgnlInstrId",
            "OrgnlEndToEndId",
            "OrgnlTxId",
        ]
    }

    fn asker(&self) -> Option<&dyn Asker> {
        Some(&Bank)
    }
}

/// A status that the bank sends of its own accord. The same status again is the same event; one that
/// says nothing is no notice.
fn of_status(status: &Status) -> Option<Notice> {
    let word = wire::word(status).filter(|word| word.said != Said::NotFound)?;
    let reason = status.reason.as_deref().unwrap_or_default();
    Some(Notice {
        event_id: format!("status/{}/{}/{reason}", status.end_to_end_id, status.code),
        about: About::EndToEnd(status.end_to_end_id.clone()),
        word,
    })
}

/// `RvslInd` says that the booking takes back another one of the same end-to-end id, whichever way that
/// was; without it `CdtDbtInd` tells a payment, or the refund of one, from money that goes to the payer.
fn of_entry(entry: Entry, accounts: Accounts) -> Result<Notice, Fault> {
    let goes_back = entry.is_credit == (accounts == Accounts::Payers);
    let said = match (entry.status.as_str(), entry.is_reversal) {
        ("BOOK", true) => Said::Returned,
        ("BOOK", false) if goes_back => Said::Credited,
        ("BOOK", false) => Said::Posted,
        ("PDNG", false) => Said::Accepted,
        _ => return Err(malformed("entry_status_unknown")),
    };
    // What the bank has a number for is the same in every message that tells of it.
    let event_id = match &entry.reference {
        Some(reference) if said.goes_back() => format!("return/{reference}"),
        _ => entry.event_id,
    };
    let word = Word {
        amount: Some(entry.amount),
        document_number: entry.reference,
        txn_id: entry.txn_id,
        posted_at: entry.booked_at.filter(|_| said != Said::Accepted).map(moment),
        note: format!("camt.054 {}", entry.status),
        ..Word::of(said)
    };
    Ok(Notice { event_id, about: About::EndToEnd(entry.end_to_end_id), word })
}

/// A day without a time is its midnight; a zone behind a day says nothing of it.
fn moment(booked_at: String) -> String {
    match booked_at.get(..10) {
        Some(day) if !booked_at.contains('T') => format!("{day}T00:00:00"),
        _ => booked_at,
    }
}

fn of_transfer(transfer: Transfer) -> Result<Notice, Fault> {
    if !is_ours(&transfer.end_to_end_id) {
        return Err(malformed("one_payment_a_message"));
    }
    let word = Word {
        amount: Some(transfer.amount),
        txn_id: transfer.txn_id,
        posted_at: transfer.accepted_at,
        note: "pacs.008".to_owned(),
        ..Word::of(Said::Posted)
    };
    Ok(Notice {
        event_id: format!("transfer/{}", transfer.end_to_end_id),
        about: About::EndToEnd(transfer.end_to_end_id),
        word,
    })
}

/// What a customer of the bank paid without an order of ours.
fn pay(transfer: &Transfer) -> Result<Pay, Fault> {
    Ok(Pay {
        txn_id: transfer.txn_id.clone().ok_or(malformed("txn_id_missing"))?,
        account: charge_id(transfer.charge.as_deref().ok_or(malformed("account_missing"))?),
        amount: transfer.amount,
        paid_at: transfer.accepted_at.clone(),
        document_number: None,
        payer: transfer.payer.clone(),
        to: Destination {
            payee: transfer.payee.clone(),
            iban: transfer.iban.clone(),
            kbk: transfer.kbk.clone(),
        },
    })
}

/// A charge's id with its hyphens: with them it has 36 characters, and a reference holds 35.
fn charge_id(written: &str) -> String {
    let is_bare = written.len() == 32 && written.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_bare {
        return written.to_owned();
    }
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| written.get(part)).collect();
    parts.join("-")
}

const fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::samples::{self, Failures};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = Iso20022::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/iso20022/samples"))
    }
}
