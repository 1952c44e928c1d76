//! An acquiring bank: what it makes of our invoices, and its callbacks.
//!
//! Without books around it, every invoice is new, and the payer has paid it when the bank is asked.

use super::wire::{Acknowledgement, FOUND, Invoice, NOT_FOUND, status_name};
use super::{INQUIRY, PATH};
use qaqpa_kit::adapter::{HttpAnswer, SimulatedAnswer, SimulatedRequest, Simulator};
use qaqpa_kit::bank::{
    About, Ask, Asker, BankReading, BankRequest, Errand, Instruction, Mirror, Reaction, Said, Word,
};
use qaqpa_kit::money::Amount;
use serde_json::{Map, Value, json};

/// The bank.
pub struct Bank;

impl Simulator for Bank {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        let Some(errand) = Mirror::read(self, request) else { return respond(400, &json!({})) };
        let word = match &errand {
            Errand::Submit(instruction) => Word {
                amount: Some(instruction.amount),
                redirect_url: Some(format!("https://bank.example/{}", errand.end_to_end_id())),
                ..Word::of(Said::Pending)
            },
            Errand::Inquire { .. } => Word::of(Said::Posted),
        };
        Mirror::answer(self, &errand, &word)
    }
}

impl Mirror for Bank {
    fn read(&self, request: &SimulatedRequest<'_>) -> Option<Errand> {
        let SimulatedRequest::Http { method, path, body } = request else { return None };
        if *method == "GET" {
            let end_to_end_id = path.strip_prefix(INQUIRY)?.to_owned();
            return Some(Errand::Inquire { end_to_end_id });
        }
        if *path != "/invoices" {
            return None;
        }
        let invoice: Invoice = serde_json::from_slice(body).ok()?;
        Some(Errand::Submit(Instruction {
            end_to_end_id: invoice.invoice_id,
            amount: Amount::parse(&invoice.amount).ok()?,
            payer: invoice.payer,
            payee: invoice.payee,
            kbk: invoice.kbk,
            knp: invoice.knp,
            reverses: invoice.refund_of,
        }))
    }

    fn answer(&self, errand: &Errand, word: &Word) -> SimulatedAnswer {
        let transaction = transaction(errand.end_to_end_id(), word);
        match errand {
            Errand::Submit(_) => respond(200, &transaction),
            Errand::Inquire { .. } if word.said == Said::NotFound => {
                respond(200, &json!({ "resultCode": NOT_FOUND }))
            }
            Errand::Inquire { .. } => {
                respond(200, &json!({ "resultCode": FOUND, "transaction": transaction }))
            }
        }
    }
}

fn transaction(invoice_id: &str, word: &Word) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.into());
        }
    };
    put("id", word.txn_id.clone());
    put("invoiceID", Some(invoice_id.to_owned()));
    put("amount", word.amount.map(|amount| amount.to_string()));
    put("currency", Some("KZT".to_owned()));
    put("statusName", Some(status_name(word.said).to_owned()));
    put("reference", word.document_number.clone());
    put("dateTime", word.posted_at.clone());
    put("redirectURL", word.redirect_url.clone());
    Value::Object(fields)
}

fn respond(status: u16, value: &Value) -> SimulatedAnswer {
    let body = value.to_string().into_bytes();
    SimulatedAnswer::Http { status, content_type: "application/json", body }
}

impl Asker for Bank {
    fn ask(&self, ask: &Ask, _at: &str) -> Option<BankRequest> {
        let Ask::Notice(notices) = ask else { return None };
        let [notice] = notices.as_slice() else { return None };
        let About::EndToEnd(invoice_id) = &notice.about else { return None };
        Some(BankRequest {
            method: "POST",
            path: PATH,
            query: String::new(),
            content_type: Some("application/json"),
            body: transaction(invoice_id, &notice.word).to_string().into_bytes(),
        })
    }

    fn read(&self, answer: &HttpAnswer<'_>) -> Option<BankReading> {
        let told: Acknowledgement = serde_json::from_slice(answer.body).ok()?;
        let reaction = match told.result.as_str() {
            "ok" => Reaction::Done,
            "refused" => Reaction::Refused,
            _ => Reaction::Again,
        };
        let (end_to_end_id, amount) = (None, None);
        Some(BankReading { reaction, code: told.result, end_to_end_id, amount })
    }
}
