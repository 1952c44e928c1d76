//! What a bank and the gateway say to each other, whatever the bank's dialect: pure translations.
//!
//! A bank adapter has one ability or both: a [`Provider`] reads what the bank asks of us (`check`,
//! `pay`, notices) and writes our answer in its dialect; a [`Teller`] writes what we ask of the bank
//! (to pay an order, what became of it) and reads its answer. Neither has state, clock or I/O. What a
//! bank says of an order is [`Said`], and nothing else moves money.

pub mod biller;
mod mirror;
mod placement;

pub use mirror::{Asker, BankReading, BankRequest, Errand, Instruction, Mirror, Reaction};
pub use placement::{Accounts, Place, Placement};

use crate::adapter::{HttpAnswer, HttpOutgoing};
use crate::fault::{Code, Fault};
use crate::money::Amount;
use serde::{Deserialize, Serialize};

/// What a bank's answer, notice, inquiry or register row, or an operator, says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It will try (PDNG, ACCP, ACSP).
    Accepted,
    /// The payer's account was debited (ACSC, a biller's `pay`).
    Posted,
    /// The Treasury has it too.
    Settled,
    /// It will not pay (RJCT, CANC).
    Rejected,
    /// An inquiry found no such payment; proves nothing alone.
    NotFound,
    /// An inquiry found it undecided.
    Pending,
    /// It took its booking back; the amount says how much of it.
    Returned,
    /// It booked so much of it to the payer, under this order's own id.
    Credited,
    /// So much of it went back to the payer: by itself, or by a refund of ours, which it does not say.
    Refunded,
}

impl Said {
    /// Money went back: it says how much.
    #[must_use]
    pub const fn goes_back(self) -> bool {
        matches!(self, Self::Returned | Self::Credited | Self::Refunded)
    }
}

/// A moment as the bank writes it: RFC 3339, or `2026-11-22T14:30:05` without a zone, which is then
/// read by the country's zone rules. Adapters have no clock and no zone tables.
pub type BankTime = String;

/// Bytes of any one text that a bank may send; longer ones are refused by the gateway.
pub const TEXT_BYTES_MAX: usize = 2_000;

/// A request of a bank at `/bank/{bank}/…`, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// What follows the bank's id, without the query: `provider`, `notice`.
    pub path: &'a str,
    /// Without `?`; empty where there is none.
    pub query: &'a str,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<&'a str>,
    /// `Accept`, as written.
    pub accept: Option<&'a str>,
    /// Where this bank's ISO 20022 messages carry the country's own codes.
    pub placement: &'a Placement,
    pub body: &'a [u8],
}

/// What a bank asks of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Can this charge be paid, and how much is it? Any number of times, without an effect.
    Check {
        txn_id: String,
        /// The charge's id.
        account: String,
    },
    /// The payer's money is taken.
    Pay(Pay),
    /// What became of orders of ours.
    Notice(Vec<Notice>),
}

/// A payment that the bank has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// The bank's id of the payment: the same at every repetition.
    pub txn_id: String,
    /// The charge's id.
    pub account: String,
    pub amount: Amount,
    /// The bank's time of the payment; `None`: when it arrives.
    pub paid_at: Option<BankTime>,
    pub document_number: Option<String>,
    /// IIN or BIN of who really paid; `None`: the charge's payer.
    pub payer: Option<String>,
    pub to: Destination,
}

/// Where the money of a payment goes, as far as its message says: a customer of the bank wrote that, and
/// may name the charge of one payee and the account of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// BIN of who is paid.
    pub payee: Option<String>,
    pub iban: Option<String>,
    pub kbk: Option<String>,
}

/// Which order a bank speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Our id, the same at every attempt (ISO 20022 EndToEndId).
    EndToEnd(String),
    /// The bank's own id.
    Txn(String),
}

/// One word of a bank about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Unique at the bank: the same event again changes nothing.
    pub event_id: String,
    pub about: About,
    pub word: Word,
}

/// What is said of an order, in an answer to us or in a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub said: Said,
    /// Where it names one: another than the order's is a contradiction.
    pub amount: Option<Amount>,
    pub document_number: Option<String>,
    pub txn_id: Option<String>,
    pub posted_at: Option<BankTime>,
    /// Where the payer has to go on (card acquiring).
    pub redirect_url: Option<String>,
    /// The bank's own code and words, for people; never decides.
    pub note: String,
}

impl Word {
    /// Nothing but what is said.
    #[must_use]
    pub fn of(said: Said) -> Self {
        Self {
            said,
            amount: None,
            document_number: None,
            txn_id: None,
            posted_at: None,
            redirect_url: None,
            note: String::new(),
        }
    }
}

/// How we answer a bank; each dialect has its codes for these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Can be paid; or was taken, on the charge or into suspense.
    Ok,
    /// The same request is being carried out; ask again.
    InProgress,
    /// Nothing happened for a reason of ours; ask again.
    Temporary,
    /// No such charge.
    NoCharge,
    /// The charge was annulled (`check` only: money that is taken is kept).
    Annulled,
    /// The charge is paid or being paid already (`check` only).
    AlreadyPaid,
    /// The same txn_id came before with another charge or amount.
    OtherTerms,
    /// The request cannot be read.
    Malformed,
    /// The caller is not this bank, or may not ask this.
    Forbidden,
}

/// Our answer to a bank, to be written in its dialect. The same request gets the same answer for ever,
/// so nothing in it comes from a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub verdict: Verdict,
    /// As asked; empty where the request could not be read.
    pub txn_id: String,
    /// Our end-to-end id of the payment, where there is one.
    pub end_to_end_id: Option<String>,
    /// What is to be paid (`check`), or was taken (`pay`).
    pub amount: Option<Amount>,
    pub payee_bin: Option<String>,
    /// What the charge is for.
    pub purpose: Option<String>,
    /// For people at the bank.
    pub comment: String,
}

impl Told {
    /// Nothing but a verdict, and words for people.
    #[must_use]
    pub fn of(verdict: Verdict, comment: &str) -> Self {
        Self {
            verdict,
            txn_id: String::new(),
            end_to_end_id: None,
            amount: None,
            payee_bin: None,
            purpose: None,
            comment: comment.to_owned(),
        }
    }

    /// The comment; where there is none, the verdict in words.
    #[must_use]
    pub fn words(&self) -> &str {
        if !self.comment.is_empty() {
            return &self.comment;
        }
        match self.verdict {
            Verdict::Ok => "OK",
            Verdict::InProgress => "in progress",
            Verdict::Temporary => "not now",
            Verdict::NoCharge => "no such charge",
            Verdict::Annulled => "charge annulled",
            Verdict::AlreadyPaid => "paid already",
            Verdict::OtherTerms => "txn_id used with other terms",
            Verdict::Malformed => "malformed",
            Verdict::Forbidden => "forbidden",
        }
    }

    /// What a bank is told of a fault: whether it may ask again, and the public reason.
    #[must_use]
    pub fn fault(fault: &Fault) -> Self {
        Self::of(verdict_of(fault), &format!("{}: {}", fault.code.word(), fault.reason))
    }
}

/// An answer in the bank's dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankAnswer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// What a bank's signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Covered {
    /// Method, path, query and body.
    Request,
    /// The body alone: for dialects whose whole message it is.
    Body,
}

/// The dialect of a bank that asks us.
pub trait Provider: Send + Sync {
    /// What is asked.
    ///
    /// # Errors
    /// `caller.malformed` with a reason, phase Receive: the request cannot be read.
    fn read(&self, asked: &Asked<'_>) -> Result<Ask, Fault>;

    /// Our answer; also to what could not be read, so `asked` may hold anything and the txn_id of
    /// `told` be empty: then the dialect finds it, as far as it can.
    fn write(&self, asked: &Asked<'_>, told: &Told) -> BankAnswer;

    /// Whether everything that is asked stands in the body, so that a signature over the body alone
    /// covers it. `false` for questions with a query.
    fn is_in_body(&self) -> bool {
        true
    }

    /// Fields that hold ids of the bank's own, by their names in the dialect: numbers of any look, which
    /// are never taken for a card's.
    fn own_ids(&self) -> &'static [&'static str];

    /// A bank that asks so, for demos and tests.
    fn asker(&self) -> Option<&dyn Asker> {
        None
    }
}

/// An order as a bank needs it.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// At most 35 characters, the same at every attempt.
    pub end_to_end_id: &'a str,
    pub amount: Amount,
    /// IIN or BIN of who pays.
    pub payer: &'a str,
    /// BIN of who is paid.
    pub payee: &'a str,
    pub iban: &'a str,
    pub kbk: &'a str,
    pub knp: &'a str,
    pub kbe: &'a str,
    /// In the payer's words, kk or ru; may be long.
    pub purpose: &'a str,
    /// The BIC of the bank that is asked.
    pub bic: &'a str,
    /// When the order was opened, RFC 3339.
    pub opened_at: &'a str,
    /// The end-to-end id of the payment that this one gives back.
    pub reverses: Option<&'a str>,
    /// Where this bank's ISO 20022 messages carry the country's own codes.
    pub placement: &'a Placement,
}

/// The dialect of a bank that we ask.
pub trait Teller: Send + Sync {
    /// The request to pay an order; the same bytes at every attempt.
    ///
    /// # Errors
    /// `gateway.bug` or `caller.malformed`: nothing was sent.
    fn submit(&self, order: &Order<'_>) -> Result<HttpOutgoing, Fault>;

    /// What the bank answered to it.
    ///
    /// # Errors
    /// `agency.broken_answer`, `agency.unlisted_code`: nothing is known, the bank must be asked.
    fn submitted(&self, order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault>;

    /// The request that asks what became of an order.
    ///
    /// # Errors
    /// As [`Teller::submit`].
    fn inquire(&self, order: &Order<'_>) -> Result<HttpOutgoing, Fault>;

    /// What the bank answered to that.
    ///
    /// # Errors
    /// As [`Teller::submitted`].
    fn inquired(&self, order: &Order<'_>, answer: &HttpAnswer<'_>) -> Result<Word, Fault>;

    /// The bank's name of what a word of an answer tells, where a notice may tell the same: both are then
    /// one event. `None`: each answer is an event of its own.
    fn event_of(&self, _end_to_end_id: &str, _word: &Word) -> Option<String> {
        None
    }

    /// A bank that answers so, for demos and tests.
    fn mirror(&self) -> Option<&dyn Mirror> {
        None
    }
}

/// What a fault on the way means to a bank: whether it may ask again.
#[must_use]
pub fn verdict_of(fault: &Fault) -> Verdict {
    match fault.code {
        Code::CallerInProgress => Verdict::InProgress,
        Code::CallerTwin | Code::CallerConflict => Verdict::OtherTerms,
        Code::CallerUnknown
        | Code::CallerForbidden
        | Code::CallerUnsigned
        | Code::CallerBadSignature => Verdict::Forbidden,
        Code::CallerMalformed | Code::CallerTooLarge | Code::CallerUnknownService => {
            Verdict::Malformed
        }
        // Nothing is told that could let a bank give up money that it took: it asks again.
        _ => Verdict::Temporary,
    }
}
