//! A bank that takes orders, with books of its own and faults by a seed: the gateway's hardest test.

pub mod chaos;
pub mod ledger;
mod page;

use crate::proxy::listener::{AnswerBody, Handler, Received};
use crate::proxy::trace::Trace;
use bytes::Bytes;
use chaos::{Asked, Chaos, Fault};
use hyper::Response;
use ledger::{Account, Ledger, Line};
use qaqpa_kit::adapter::{Adapter, SimulatedAnswer, SimulatedRequest};
use qaqpa_kit::bank::{Errand, Mirror, Said, Word};
use qaqpa_kit::money::Amount;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The longest that an answer is delayed, or a booking late. A gateway that sends again sooner than
/// this after its last attempt pays twice.
pub const PAUSE_MAX: Duration = Duration::from_millis(1_500);
/// Where the books can be read, as JSON.
const LEDGER_PATH: &str = "/ledger";

/// One simulated bank.
pub struct SimulatedBank {
    adapter: Arc<dyn Adapter>,
    chaos: Chaos,
    ledger: Arc<Ledger>,
    /// Where payers go on to pay, if they do.
    page: Option<String>,
}

impl SimulatedBank {
    /// A bank of this dialect; `None` where the adapter knows no bank that takes orders.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, chaos: Chaos, ledger: Ledger) -> Option<Self> {
        adapter.teller()?.mirror()?;
        Some(Self { adapter, chaos, ledger: Arc::new(ledger), page: None })
    }

    fn mirror(&self) -> Option<&dyn Mirror> {
        self.adapter.teller()?.mirror()
    }

    async fn reply(&self, received: &Received) -> Response<AnswerBody> {
        match self.paged(received) {
            Ok(None) => {}
            Ok(Some(page)) => return page,
            Err(error) => give_up(&error),
        }
        let path = received.uri.path_and_query().map_or("/", |path| path.as_str());
        if path.ends_with(LEDGER_PATH) {
            let books = serde_json::to_vec(&self.ledger.accounts()).unwrap_or_default();
            return super::respond(200, "application/json", Bytes::from(books));
        }
        let request =
            SimulatedRequest::Http { method: received.method.as_str(), path, body: &received.body };
        let Some((mirror, errand)) =
            self.mirror().and_then(|mirror| Some((mirror, mirror.read(&request)?)))
        else {
            return super::respond(400, "text/plain", Bytes::from_static(b"cannot be read"));
        };
        let answered = match &errand {
            Errand::Submit(instruction) => match self.invoice(instruction) {
                Ok(None) => {
                    let amount = instruction.amount;
                    self.order(&instruction.end_to_end_id, amount, received.received_at_us).await
                }
                invoiced => invoiced,
            },
            Errand::Inquire { end_to_end_id } => self.inquiry(end_to_end_id).await,
        };
        match answered {
            Ok(Some(word)) => written(mirror.answer(&errand, &word)),
            Ok(None) => super::respond(200, "text/plain", Bytes::from_static(b"<<< no answer")),
            Err(error) => give_up(&error),
        }
    }

    /// What is said to an order; `None`: nothing that can be read.
    async fn order(&self, id: &str, amount: Amount, now_us: i64) -> io::Result<Option<Word>> {
        let (end_to_end_id, amount_tiyn) = (id.to_owned(), amount.tiyn());
        let order = Line::Order { end_to_end_id: end_to_end_id.clone(), amount_tiyn };
        let times = self.ledger.write(&order)?.orders;
        let fate = self.chaos.fate(Asked::Order, id, times);
        let pause = self.chaos.pause(id, times, PAUSE_MAX);
        let booked = Line::Booked { end_to_end_id: end_to_end_id.clone(), amount_tiyn };
        match fate {
            Some(Fault::LoseRequest) => pending().await,
            Some(Fault::Reject) => {
                self.ledger.write(&Line::Rejected { end_to_end_id })?;
                return Ok(Some(Word::of(Said::Rejected)));
            }
            Some(Fault::Late) => {
                self.book_later(booked, pause);
                pending().await
            }
            Some(Fault::Queue) => {
                self.ledger.write(&Line::Queued { end_to_end_id })?;
                self.book_later(booked, pause);
                return Ok(Some(Word::of(Said::Accepted)));
            }
            Some(Fault::LoseAnswer | Fault::Contradict) => {
                self.ledger.write(&booked)?;
                pending().await
            }
            Some(Fault::Break) => {
                self.ledger.write(&booked)?;
                return Ok(None);
            }
            Some(Fault::Delay) => {
                self.ledger.write(&booked)?;
                sleep(pause).await;
            }
            None => {
                self.ledger.write(&booked)?;
            }
        }
        Ok(Some(posted(id, amount, Some(now_us))))
    }

    /// What is said to an inquiry.
    async fn inquiry(&self, id: &str) -> io::Result<Option<Word>> {
        let inquiry = Line::Inquiry { end_to_end_id: id.to_owned() };
        let account = self.ledger.write(&inquiry)?;
        let pause = self.chaos.pause(id, account.inquiries, PAUSE_MAX);
        match self.chaos.fate(Asked::Inquiry, id, account.inquiries) {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => pending().await,
            Some(Fault::Break) => return Ok(None),
            Some(Fault::Delay) => sleep(pause).await,
            _ => {}
        }
        // Read again: it may have been booked while the answer was delayed.
        let account = self.ledger.accounts().remove(id).unwrap_or_default();
        Ok(Some(self.truth(id, &account)))
    }

    fn truth(&self, id: &str, account: &Account) -> Word {
        let contradicts = (1..=account.orders)
            .any(|n| self.chaos.fate(Asked::Order, id, n) == Some(Fault::Contradict));
        if account.bookings > 0 {
            let tiyn = account.booked_tiyn.saturating_add(i64::from(contradicts));
            return Amount::new(tiyn)
                .map_or(Word::of(Said::Posted), |amount| posted(id, amount, None));
        }
        let waits_for_payer = self.page.is_some() && account.orders > 0;
        let said = match (account.is_queued, account.is_rejected) {
            (true, _) => Said::Accepted,
            (false, true) => Said::Rejected,
            (false, false) if waits_for_payer => Said::Pending,
            (false, false) => Said::NotFound,
        };
        Word::of(said)
    }

    fn book_later(&self, line: Line, pause: Duration) {
        let ledger = Arc::clone(&self.ledger);
        tokio::spawn(async move {
            sleep(pause).await;
            if let Err(error) = ledger.write(&line) {
                give_up(&error);
            }
        });
    }
}

/// Whoever compares the books must be able to rely on them.
fn give_up(error: &io::Error) -> ! {
    eprintln!("qaqpa: the bank's ledger: {error}");
    std::process::exit(1);
}

fn posted(id: &str, amount: Amount, posted_at_us: Option<i64>) -> Word {
    let digits: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let tail = digits.len().saturating_sub(20);
    Word {
        amount: Some(amount),
        document_number: digits.get(tail..).map(str::to_owned),
        posted_at: posted_at_us.map(Trace::date),
        ..Word::of(Said::Posted)
    }
}

fn written(answer: SimulatedAnswer) -> Response<AnswerBody> {
    match answer {
        SimulatedAnswer::Http { status, content_type, body } => {
            super::respond(status, content_type, Bytes::from(body))
        }
        _ => super::respond(500, "text/plain", Bytes::from_static(b"not an HTTP dialect")),
    }
}

impl Handler for SimulatedBank {
    async fn answer(&self, received: Received) -> Response<AnswerBody> {
        self.reply(&received).await
    }
}
