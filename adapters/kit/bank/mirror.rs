//! The bank's side of each dialect, for demos and tests: pure, so that what is around it keeps the books.
//!
//! A [`Mirror`] reads what a teller wrote and answers it; an [`Asker`] writes what a bank asks of us and
//! reads our answer. Both are told what is true, and put it into the dialect; neither decides anything.

use super::{Ask, Order, Word};
use crate::adapter::{HttpAnswer, SimulatedAnswer, SimulatedRequest};
use crate::money::Amount;

/// What the gateway wants of a bank that it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Pay this.
    Submit(Instruction),
    /// Say what became of that.
    Inquire {
        /// The end-to-end id of the order.
        end_to_end_id: String,
    },
}

impl Errand {
    /// The end-to-end id of the order that it is about.
    #[must_use]
    pub fn end_to_end_id(&self) -> &str {
        match self {
            Self::Submit(instruction) => &instruction.end_to_end_id,
            Self::Inquire { end_to_end_id } => end_to_end_id,
        }
    }
}

/// An order as the bank reads it; what its dialect does not carry is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub end_to_end_id: String,
    pub amount: Amount,
    /// IIN or BIN of who pays.
    pub payer: String,
    /// BIN of who is paid.
    pub payee: String,
    pub kbk: String,
    pub knp: String,
    /// The end-to-end id of the payment that this one gives back.
    pub reverses: Option<String>,
}

impl Instruction {
    /// What a dialect that leaves nothing out carries of an order.
    #[must_use]
    pub fn of(order: &Order<'_>) -> Self {
        Self {
            end_to_end_id: order.end_to_end_id.to_owned(),
            amount: order.amount,
            payer: order.payer.to_owned(),
            payee: order.payee.to_owned(),
            kbk: order.kbk.to_owned(),
            knp: order.knp.to_owned(),
            reverses: order.reverses.map(str::to_owned),
        }
    }
}

/// A bank as the gateway's [`Teller`](super::Teller) meets it.
pub trait Mirror: Send + Sync {
    /// What is asked; `None`: no bank of this dialect could read it.
    fn read(&self, request: &SimulatedRequest<'_>) -> Option<Errand>;

    /// The answer that tells `word` of the order, in reply to the request that `errand` was read from.
    fn answer(&self, errand: &Errand, word: &Word) -> SimulatedAnswer;
}

/// A request of a bank to `/bank/{bank}/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// What follows the bank's id: `provider`.
    pub path: &'static str,
    /// Without `?`; empty where there is none.
    pub query: String,
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
}

/// What a bank makes of our answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It books the payment, or lets its customer pay.
    Done,
    /// It asks the same again.
    Again,
    /// It gives the money back, or tells its customer why not; a person may look at it.
    Refused,
}

/// Our answer as a bank reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankReading {
    pub reaction: Reaction,
    /// The dialect's own code.
    pub code: String,
    /// Our end-to-end id of the payment.
    pub end_to_end_id: Option<String>,
    pub amount: Option<Amount>,
}

/// A bank as the gateway's [`Provider`](super::Provider) meets it.
pub trait Asker: Send + Sync {
    /// The request that asks this; `None`: the dialect has no such question. `at` is when the bank
    /// writes it, RFC 3339.
    fn ask(&self, ask: &Ask, at: &str) -> Option<BankRequest>;

    /// What the bank makes of our answer; `None`: it cannot read it, and asks again.
    fn read(&self, answer: &HttpAnswer<'_>) -> Option<BankReading>;
}
