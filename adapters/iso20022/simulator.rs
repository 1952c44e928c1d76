//! A bank that speaks ISO 20022: what it makes of our orders, and the messages that it sends.
//!
//! Without books around it, the last two digits of the amount say what becomes of an order:
//!
//! | tiyn | answer |
//! |---|---|
//! | 01 | RJCT |
//! | 02 | ACSP, accepted and no more |
//! | 03 | RJCT with NOOR: no such payment |
//! | any other | ACSC, debited |

use super::{AGAIN, PATH, wire};
use qaqpa_kit::adapter::{HttpAnswer, SimulatedAnswer, SimulatedRequest, Simulator};
use qaqpa_kit::bank::{
    About, Ask, Asker, BankReading, BankRequest, Errand, Instruction, Mirror, Notice, Placement,
    Reaction, Said, Word,
};
use qaqpa_kit::iso20022::{
    self, Entry, Head, PAIN_002, StatusReport, Transfer, camt054, pacs008, read_pain001,
    read_statuses, write_statuses,
};
use qaqpa_kit::query::Query;

/// The time of a report whose word has none.
const NO_TIME: &str = "2000-01-01T00:00:00Z";

/// The bank; it knows the usual placement of codes.
pub struct Bank;

impl Simulator for Bank {
    fn answer(&self, request: &SimulatedRequest<'_>) -> SimulatedAnswer {
        match Mirror::read(self, request) {
            Some(errand) => {
                let amount = match &errand {
                    Errand::Submit(instruction) => Some(instruction.amount),
                    Errand::Inquire { .. } => None,
                };
                let said = match amount.map(|amount| amount.tiyn() % 100) {
                    None => Said::Posted,
                    Some(1) => Said::Rejected,
                    Some(2) => Said::Accepted,
                    Some(3) => Said::NotFound,
                    Some(_) => Said::Posted,
                };
                Mirror::answer(self, &errand, &Word { amount, ..Word::of(said) })
            }
            None => SimulatedAnswer::Http {
                status: 400,
                content_type: "text/plain",
                body: b"unreadable".to_vec(),
            },
        }
    }
}

impl Mirror for Bank {
    fn read(&self, request: &SimulatedRequest<'_>) -> Option<Errand> {
        let SimulatedRequest::Http { method, path, body } = request else { return None };
        if *method == "POST" && *path == "/pain.001" {
            let transfers = read_pain001(body, Placement::usual()).ok()?;
            let [transfer] = <[Transfer; 1]>::try_from(transfers).ok()?;
            return Some(Errand::Submit(instruction(transfer)));
        }
        let query = Query::read(path.strip_prefix("/pain.002?")?).ok()?;
        let end_to_end_id = query.value("EndToEndId")?.to_owned();
        (*method == "GET").then_some(Errand::Inquire { end_to_end_id })
    }

    fn answer(&self, errand: &Errand, word: &Word) -> SimulatedAnswer {
        let end_to_end_id = errand.end_to_end_id();
        let report = StatusReport {
            version: PAIN_002,
            message_id: end_to_end_id,
            written_at: word.posted_at.as_deref().unwrap_or(NO_TIME),
            original: (end_to_end_id, "pain.001.001.10"),
        };
        let body = write_statuses(&report, &[wire::status(end_to_end_id, word)]);
        SimulatedAnswer::Http {
            status: 200,
            content_type: "application/xml",
            body: body.into_bytes(),
        }
    }
}

fn instruction(transfer: Transfer) -> Instruction {
    let text = Option::unwrap_or_default;
    let (from, to) = (text(transfer.payer), text(transfer.payee));
    let (payer, payee) = if transfer.reverses.is_some() { (to, from) } else { (from, to) };
    Instruction {
        end_to_end_id: transfer.end_to_end_id,
        amount: transfer.amount,
        payer,
        payee,
        kbk: text(transfer.kbk),
        knp: text(transfer.knp),
        reverses: transfer.reverses,
    }
}

impl Asker for Bank {
    fn ask(&self, ask: &Ask, at: &str) -> Option<BankRequest> {
        let body = match ask {
            Ask::Check { .. } => return None,
            Ask::Pay(pay) => {
                let transfer = Transfer {
                    end_to_end_id: "NOTPROVIDED".to_owned(),
                    txn_id: Some(pay.txn_id.clone()),
                    amount: pay.amount,
                    payer: pay.payer.clone(),
                    payee: None,
                    iban: None,
                    knp: None,
                    kbk: None,
                    kbe: None,
                    charge: Some(pay.account.replace('-', "")),
                    purpose: String::new(),
                    reverses: None,
                    accepted_at: pay.paid_at.clone(),
                };
                let head = Head { message_id: &pay.txn_id, written_at: at, bic: "BANKKZ9A" };
                pacs008(&head, &transfer, Placement::usual())
            }
            Ask::Notice(notices) => {
                let entries: Option<Vec<Entry>> = notices.iter().map(entry).collect();
                let message_id = notices.first()?.event_id.chars().take(35).collect::<String>();
                camt054(&message_id, at, &entries?)
            }
        };
        Some(BankRequest {
            method: "POST",
            path: PATH,
            query: String::new(),
            content_type: Some("application/xml"),
            body: body.into_bytes(),
        })
    }

    fn read(&self, answer: &HttpAnswer<'_>) -> Option<BankReading> {
        if answer.status == AGAIN {
            let (reaction, code) = (Reaction::Again, AGAIN.to_string());
            return Some(BankReading { reaction, code, end_to_end_id: None, amount: None });
        }
        let code = match read_statuses(answer.body) {
            Ok(statuses) => statuses.into_iter().next()?.code,
            Err(_) => iso20022::read_admi007(answer.body)?,
        };
        let reaction = match code.as_str() {
            "ACCP" => Reaction::Done,
            "RJCT" => Reaction::Refused,
            _ => Reaction::Again,
        };
        Some(BankReading { reaction, code, end_to_end_id: None, amount: None })
    }
}

/// A word as a booking; `None` where no booking says it.
fn entry(notice: &Notice) -> Option<Entry> {
    let About::EndToEnd(end_to_end_id) = &notice.about else { return None };
    let word = &notice.word;
    let (status, is_reversal, is_credit) = match word.said {
        Said::Posted => ("BOOK", false, false),
        Said::Accepted => ("PDNG", false, false),
        Said::Returned => ("BOOK", true, true),
        Said::Credited => ("BOOK", false, true),
        // No booking says it.
        _ => return None,
    };
    Some(Entry {
        event_id: notice.event_id.clone(),
        end_to_end_id: end_to_end_id.clone(),
        amount: word.amount?,
        status: status.to_owned(),
        is_reversal,
        is_credit,
        booked_at: word.posted_at.clone(),
        reference: word.document_number.clone(),
        txn_id: word.txn_id.clone(),
    })
}
