//! Card acquiring: an invoice and a page to go on to, a signed callback, and a status inquiry.
//!
//! | we ask | with | and read |
//! |---|---|---|
//! | an invoice, or a refund | `POST /invoices` | the transaction, with `redirectURL` |
//! | what became of it | `GET /check-status/payment/transaction/{invoiceID}` | `resultCode`, the transaction |
//!
//! The bank posts the transaction to `/bank/{bank}/acquiring`; the gateway has verified its signature
//! before this adapter sees it.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{Adapter, HttpAnswer, HttpOutgoing, Simulator};
use qaqpa_kit::bank::{
    About, Ask, Asked, Asker, BankAnswer, Mirror, Notice, Order, Provider, Said, Teller, Told,
    Verdict, Word,
};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::{Manifest, ManifestError, unlisted_code};
use serde::de::DeserializeOwned;
use simulator::Bank;
use wire::{Acknowledgement, FOUND, Inquiry, Invoice, NOT_FOUND, Transaction, status_name};

/// What stands after the bank's id in the path.
pub const PATH: &str = "acquiring";
/// Where an invoice is asked for; its id follows.
const INQUIRY: &str = "/check-status/payment/transaction/";

/// The dialect.
pub struct Acquiring {
    manifest: Manifest,
}

impl Acquiring {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for Acquiring {
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

impl Teller for Acquiring {
    fn submit(&self, order: &Order<'_>) -> Result<HttpOutgoing, Fault> {
        let invoice = Invoice {
            invoice_id: order.end_to_end_id.to_owned(),
            amount: order.amount.to_string(),
            currency: "KZT".to_owned(),
            description: order.purpose.to_owned(),
            payer: order.payer.to_owned(),
            payee: order.payee.to_owned(),
            kbk: order.kbk.to_owned(),
            knp: order.knp.to_owned(),
            refund_of: order.reverses.map(str::to_owned),
        };
        let body = serde_json::to_vec(&invoice)
            .map_err(|_| Fault::new(Code::GatewayBug, Phase::Encode, "json_unwritable"))?;
        let (path, content_type) = ("/invoices".to_owned(), Some("application/json"));
        Ok(HttpOutgoing { method: "POST", path, content_type, body })
    }

    fn submitted(&self, order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault> {
        check_status(answer, &[200, 201])?;
        word_of(order, &read(answer)?)
    }

    fn inquire(&self, order: &Order<'_>) -> Result<HttpOutgoing, Fault> {
        let is_plain = order.end_to_end_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain {
            return Err(Fault::new(Code::GatewayBug, Phase::Encode, "end_to_end_id_malformed"));
        }
        let path = format!("{INQUIRY}{}", order.end_to_end_id);
        Ok(HttpOutgoing { method: "GET", path, content_type: None, body: Vec::new() })
    }

    fn inquired(&self, order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault> {
        check_status(answer, &[200])?;
        let inquiry: Inquiry = read(answer)?;
        match (inquiry.result_code.as_str(), &inquiry.transaction) {
            (FOUND, Some(transaction)) => word_of(order, transaction),
            (FOUND, None) => Err(broken("transaction_missing")),
            (NOT_FOUND, None) => Ok(Word::of(Said::NotFound)),
            (code, _) => Err(unlisted_code(code)),
        }
    }

    fn event_of(&self, end_to_end_id: &str, word: &Word) -> Option<String> {
        let id = word.txn_id.as_deref().unwrap_or(end_to_end_id);
        (word.said == Said::Refunded).then(|| event(id, status_name(word.said)))
    }

    fn mirror(&self) -> Option<&dyn Mirror> {
        Some(&Bank)
    }
}

/// The same transaction in the same status is the same event, however and how often it is told.
fn event(id: &str, status: &str) -> String {
    format!("{id}/{status}")
}

/// Only these statuses come from the bank itself.
fn check_status(answer: &HttpAnswer<'_>, listed: &[u16]) -> Result<(), Fault> {
    let is_listed = listed.contains(&answer.status);
    if is_listed { Ok(()) } else { Err(unlisted_code(&answer.status.to_string())) }
}

/// Reads a JSON body. What serde says of a value may quote it, so only the kind goes into the log.
fn read<T: DeserializeOwned>(answer: &HttpAnswer<'_>) -> Result<T, Fault> {
    serde_json::from_slice(answer.body)
        .map_err(|error| broken("json_unreadable").because(format_args!("{:?}", error.classify())))
}

fn word_of(order: &Order<'_>, transaction: &Transaction) -> Result<Word, Fault> {
    if transaction.invoice_id != order.end_to_end_id {
        return Err(broken("another_payment"));
    }
    word(transaction, broken)?.ok_or_else(|| unlisted_code(&transaction.status_name))
}

/// What a transaction says; `None` for a status that says nothing.
fn word(
    transaction: &Transaction,
    fault: impl Fn(&'static str) -> Fault,
) -> Result<Option<Word>, Fault> {
    let Some(said) = transaction.said() else { return Ok(None) };
    let amount = transaction.amount().map_err(&fault)?;
    if said == Said::Refunded && amount.is_none() {
        // All of it, or a part: nobody may guess.
        return Err(fault("amount_missing"));
    }
    let has_moved = matches!(said, Said::Posted | Said::Refunded);
    Ok(Some(Word {
        amount,
        document_number: transaction.reference.clone(),
        txn_id: transaction.id.clone(),
        posted_at: transaction.date_time.clone().filter(|_| has_moved),
        redirect_url: transaction.redirect().map_err(&fault)?,
        note: transaction.note(),
        ..Word::of(said)
    }))
}

const fn broken(reason: &'static str) -> Fault {
    Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason)
}

const fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

impl Provider for Acquiring {
    fn read(&self, asked: &Asked<'_>) -> Result<Ask, Fault> {
        if asked.path != PATH {
            return Err(malformed("path_unknown"));
        }
        if asked.method != "POST" {
            return Err(malformed("method_not_post"));
        }
        let transaction: Transaction =
            serde_json::from_slice(asked.body).map_err(|_| malformed("json_unreadable"))?;
        let word = word(&transaction, malformed)?.ok_or(malformed("status_unknown"))?;
        let id = transaction.id.as_deref().unwrap_or(&transaction.invoice_id);
        let notice = Notice {
            event_id: event(id, &transaction.status_name),
            about: About::EndToEnd(transaction.invoice_id.clone()),
            word: Word { redirect_url: None, ..word },
        };
        Ok(Ask::Notice(vec![notice]))
    }

    fn write(&self, _asked: &Asked<'_>, told: &Told) -> BankAnswer {
        let (status, result) = match told.verdict {
            Verdict::Ok => (200, "ok"),
            Verdict::InProgress | Verdict::Temporary => (503, "again"),
            Verdict::Forbidden => (403, "refused"),
            _ => (200, "refused"),
        };
        let (result, message) = (result.to_owned(), told.words().to_owned());
        // Two texts always serialise; were it not so, the bank would call again.
        let body = serde_json::to_vec(&Acknowledgement { result, message }).unwrap_or_default();
        BankAnswer { status, content_type: "application/json", body }
    }

    fn own_ids(&self) -> &'static [&'static str] {
        &["id", "invoiceID", "approvalCode", "reference"]
    }

    fn asker(&self) -> Option<&dyn Asker> {
        Some(&Bank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::samples::{self, Failures};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = Acquiring::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/acquiring/samples"))
    }
}
