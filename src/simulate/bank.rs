//! A bank that takes orders and asks too, with books of its own and faults by a seed: the gateway's hardest test.

pub mod caller;
pub mod chaos;
pub mod ledger;
mod page;

use crate::proxy::listener::{AnswerBody, Handler, Received};
use crate::proxy::trace::Trace;
use bytes::Bytes;
use caller::{Caller, Wire};
use chaos::{Asked, Chaos, Fault};
use hyper::Response;
use ledger::{Account, Ledger, Line};
use qaqpa_kit::adapter::{Adapter, SimulatedAnswer, SimulatedRequest};
use qaqpa_kit::bank::{Errand, Instruction, Mirror, Said, Word};
use qaqpa_kit::money::Amount;
use serde::Deserialize;
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
/// Where a customer pays: [`Customer`] as JSON. The answer is the bank's own id of the payment.
const CUSTOMERS_PATH: &str = "/customers";
/// Where the bank is made to ask everything again; the answer, once all is answered, is how much.
const REPEAT_PATH: &str = "/repeat";

/// One simulated bank.
#[derive(Clone)]
pub struct SimulatedBank {
    adapter: Arc<dyn Adapter>,
    chaos: Chaos,
    ledger: Arc<Ledger>,
    caller: Option<Arc<Caller>>,
    /// Where payers go on to pay, if they do.
    page: Option<String>,
}

/// What a customer wants paid.
#[derive(Deserialize)]
struct Customer {
    charge: String,
    amount_tiyn: i64,
}

impl SimulatedBank {
    /// A bank of this dialect, which takes orders and asks nothing.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, chaos: Chaos, ledger: Ledger) -> Self {
        Self { adapter, chaos, ledger: Arc::new(ledger), caller: None, page: None }
    }

    /// The same bank, which asks the gateway too; `None` where its dialect asks nothing.
    #[must_use]
    pub fn calling(self, wire: Box<dyn Wire>) -> Option<Self> {
        let (adapter, ledger) = (Arc::clone(&self.adapter), Arc::clone(&self.ledger));
        let caller = Caller::new(adapter, wire, self.chaos.clone(), ledger)?;
        Some(Self { caller: Some(Arc::new(caller)), ..self })
    }

    /// Whether it has anything to do.
    #[must_use]
    pub fn is_of_use(&self) -> bool {
        self.mirror().is_some() || self.caller.is_some()
    }

    fn mirror(&self) -> Option<&dyn Mirror> {
        self.adapter.teller()?.mirror()
    }

    async fn reply(&self, received: &Received) -> Response<AnswerBody> {
        if let Some(page) = certainly(self.paged(received)).flatten() {
            return page;
        }
        let path = received.uri.path_and_query().map_or("/", |path| path.as_str());
        if path == LEDGER_PATH {
            let books = serde_json::to_vec(&self.ledger.books()).unwrap_or_default();
            return super::respond(200, "application/json", Bytes::from(books));
        }
        if let Some(told) = self.counter(path, received).await {
            return super::respond(200, "text/plain", Bytes::from(told));
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
                Ok(None) => self.order(instruction, received.received_at_us).await,
                invoiced => invoiced,
            },
            Errand::Inquire { end_to_end_id } => self.inquiry(end_to_end_id).await,
        };
        match certainly(answered).flatten() {
            Some(word) => written(mirror.answer(&errand, &word)),
            None => super::respond(200, "text/plain", Bytes::from_static(b"<<< no answer")),
        }
    }

    /// What a customer is told, or who has the bank ask again.
    async fn counter(&self, path: &str, received: &Received) -> Option<String> {
        let caller = self.caller.as_ref()?;
        match path {
            CUSTOMERS_PATH => {
                let customer: Customer = serde_json::from_slice(&received.body).ok()?;
                let amount = Amount::new(customer.amount_tiyn).ok()?;
                caller.take(&customer.charge, amount, received.received_at_us)
            }
            REPEAT_PATH => Some(caller.repeat().await.to_string()),
            _ => None,
        }
    }

    /// What is said to an order; `None`: nothing that can be read.
    async fn order(&self, order: &Instruction, now_us: i64) -> io::Result<Option<Word>> {
        let (id, amount) = (&order.end_to_end_id, order.amount);
        let times = self.ledger.write(&Line::Order {
            end_to_end_id: id.clone(),
            amount_tiyn: amount.tiyn(),
            reverses: order.reverses.clone(),
        })?;
        let pause = self.chaos.pause(id, times, PAUSE_MAX);
        let booking = Booking { id: id.clone(), amount, now_us: Some(now_us) };
        match self.chaos.fate(Asked::Order, id, times) {
            Some(Fault::LoseRequest) => pending().await,
            Some(Fault::Reject) => {
                self.ledger.write(&Line::Rejected { end_to_end_id: id.clone() })?;
                self.tell(id, Word::of(Said::Rejected));
                return Ok(Some(Word::of(Said::Rejected)));
            }
            Some(Fault::Late) => {
                self.book_later(booking.clone(), pause);
                pending().await
            }
            Some(Fault::Queue) => {
                self.ledger.write(&Line::Queued { end_to_end_id: id.clone() })?;
                self.book_later(booking.clone(), pause);
                return Ok(Some(Word::of(Said::Accepted)));
            }
            Some(Fault::LoseAnswer) => {
                self.book(&booking)?;
                pending().await
            }
            Some(Fault::Contradict) => {
                self.ledger.write(&booking.line())?;
                self.tell(id, booking.contradiction());
                pending().await
            }
            Some(Fault::Break) => {
                self.book(&booking)?;
                return Ok(None);
            }
            Some(Fault::Delay) => {
                self.book(&booking)?;
                sleep(pause).await;
            }
            Some(Fault::Early) => {
                self.ledger.write(&booking.line())?;
                if let Some(told) = self.caller.as_ref().and_then(|it| it.tell(id, booking.word()))
                {
                    drop(told.await);
                }
            }
            Some(Fault::Repeat) | None => self.book(&booking)?,
        }
        Ok(Some(booking.word()))
    }

    /// What is said to an inquiry.
    async fn inquiry(&self, id: &str) -> io::Result<Option<Word>> {
        let times = self.ledger.write(&Line::Inquiry { end_to_end_id: id.to_owned() })?;
        let pause = self.chaos.pause(id, times, PAUSE_MAX);
        match self.chaos.fate(Asked::Inquiry, id, times) {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => pending().await,
            Some(Fault::Break) => return Ok(None),
            Some(Fault::Delay) => sleep(pause).await,
            _ => {}
        }
        // Read only now: it may have been booked while the answer was delayed.
        Ok(Some(self.truth(id, &self.ledger.account(id))))
    }

    fn truth(&self, id: &str, account: &Account) -> Word {
        let contradicts = (1..=account.orders)
            .any(|n| self.chaos.fate(Asked::Order, id, n) == Some(Fault::Contradict));
        if account.bookings > 0 {
            let booked = Amount::new(account.booked_tiyn);
            return booked.map_or(Word::of(Said::Posted), |amount| {
                let booking = Booking { id: id.to_owned(), amount, now_us: None };
                if contradicts { booking.contradiction() } else { booking.word() }
            });
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

    /// Moves the money, and calls to say so: that it is under way, and that it is done.
    fn book(&self, booking: &Booking) -> io::Result<()> {
        self.ledger.write(&booking.line())?;
        let word = booking.word();
        self.tell(&booking.id, Word { said: Said::Accepted, posted_at: None, ..word.clone() });
        self.tell(&booking.id, word);
        Ok(())
    }

    fn book_later(&self, booking: Booking, pause: Duration) {
        let bank = self.clone();
        tokio::spawn(async move {
            sleep(pause).await;
            certainly(bank.book(&booking));
        });
    }

    fn tell(&self, id: &str, word: Word) {
        if self.chaos.is_silent(id) {
            return;
        }
        drop(self.caller.as_ref().and_then(|caller| caller.tell(id, word)));
    }
}

/// Money that moves at an order.
#[derive(Clone)]
struct Booking {
    id: String,
    amount: Amount,
    /// `None`: it is not said when.
    now_us: Option<i64>,
}

impl Booking {
    fn line(&self) -> Line {
        Line::Booked { end_to_end_id: self.id.clone(), amount_tiyn: self.amount.tiyn() }
    }

    fn word(&self) -> Word {
        let digits: String = self.id.chars().filter(char::is_ascii_alphanumeric).collect();
        let tail = digits.len().saturating_sub(20);
        Word {
            amount: Some(self.amount),
            document_number: digits.get(tail..).map(str::to_owned),
            posted_at: self.now_us.map(Trace::date),
            ..Word::of(Said::Posted)
        }
    }

    /// The same of another amount.
    fn contradiction(&self) -> Word {
        let amount = Amount::new(self.amount.tiyn().saturating_add(1)).ok();
        Word { amount, ..self.word() }
    }
}

/// What the ledger gives. Whoever compares the books must be able to rely on them: where the disk fails,
/// the bank ends, and nobody is answered.
fn certainly<T>(written: io::Result<T>) -> Option<T> {
    if let Err(error) = &written {
        eprintln!("qaqpa: the bank's ledger: {error}");
        std::process::exit(1);
    }
    written.ok()
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
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        self.reply(&received).await
    }
}
