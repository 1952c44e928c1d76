//! What payments can be asked to do, and what they answer: plain values, decided without I/O.

mod refusal;

pub use refusal::Refusal;

use super::breaks;
use super::calendar::OperatingDay;
use super::order::{Action, Ruling, Said};
use super::record::{Charge, Closing, Id, Notice, Order, Party, Source};
use qaqpa_kit::money::Amount;

/// Bytes of any one text; longer ones are refused.
pub const TEXT_BYTES_MAX: usize = 2_000;
/// Charges, or ids, in one request.
pub const CHARGES_MAX: usize = 1_000;

/// A payer wants to pay a charge through a bank: the order is durable before anything is sent.
#[derive(Clone, Debug)]
pub struct Opening {
    pub order: Id,
    pub charge: Id,
    pub bank: String,
    pub payer: Party,
    /// The participant that asks.
    pub opened_by: String,
    pub at_us: i64,
    /// After this moment no first attempt is made.
    pub deadline_us: i64,
}

/// A bank took the money already and says so (a biller's `pay`).
#[derive(Clone, Debug)]
pub struct Receipt {
    pub order: Id,
    pub charge: Id,
    pub bank: String,
    /// The bank's id of the payment.
    pub txn_id: String,
    /// Who paid; `None`: whose charge it is.
    pub payer: Option<Party>,
    pub amount: Amount,
    pub payee: Payee,
    /// The bank's time; in the future it counts as now.
    pub posted_at_us: i64,
    pub document_number: Option<String>,
    pub at_us: i64,
    /// SHA-256 of the message as it came, 64 hex digits.
    pub original_digest: String,
}

/// To whom a bank says that money goes; what it does not say is the charge's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payee {
    pub bin: Option<String>,
    pub iban: Option<String>,
    pub kbk: Option<String>,
}

/// What we do with an order.
#[derive(Clone, Debug)]
pub struct Act {
    pub order: Id,
    pub action: Action,
    /// Which attempt `Sent`, `Lose` and `Withdraw` speak of.
    pub attempt: u32,
    /// The node that acts.
    pub node: String,
    pub at_us: i64,
    /// When the bank is asked if nothing was heard of a new attempt by then.
    pub check_at_us: i64,
}

/// Which order a bank speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Order(Id),
    EndToEnd(String),
    /// The bank's own id.
    Txn(String),
}

/// A word of a bank, or of an operator, about an order.
#[derive(Clone, Debug)]
pub struct Report {
    pub bank: String,
    /// Unique at the bank: the same event again changes nothing.
    pub event_id: String,
    pub about: About,
    pub said: Said,
    pub source: Source,
    /// Where it names one: another than the order's is a contradiction.
    pub amount: Option<Amount>,
    pub document_number: Option<String>,
    pub txn_id: Option<String>,
    /// The bank's time of posting, where it names one.
    pub posted_at_us: Option<i64>,
    pub at_us: i64,
    /// SHA-256 of the message as it came, 64 hex digits.
    pub original_digest: String,
    /// Where the payer has to go on, if the bank says so.
    pub redirect_url: Option<String>,
    /// An operator's reason; empty from a bank.
    pub note: String,
}

/// Money is to go back to the payer, all of it or a part.
#[derive(Clone, Debug)]
pub struct Refund {
    pub order: Id,
    /// The payment that it reverses.
    pub original: Id,
    pub amount: Amount,
    pub reason: String,
    /// The participant that asks.
    pub opened_by: String,
    pub at_us: i64,
    pub deadline_us: i64,
}

/// A node is about to ask the bank what became of an order, or has asked in vain.
#[derive(Clone, Debug)]
pub struct Inquiry {
    pub order: Id,
    /// The order's version as read: of two nodes one asks.
    pub version: i64,
    pub node: String,
    pub at_us: i64,
    /// Until when nobody else asks; `None`: no clear answer came, and the next inquiry is planned.
    pub until_us: Option<i64>,
}

/// What is done with a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Telling {
    /// An attempt begins: nobody else makes one until then.
    Begin { until_us: i64 },
    /// Its recipient has acknowledged it.
    Told,
    /// The attempt was in vain: the next one waits, or it is a dead letter.
    Failed,
    /// An operator sends a dead letter again.
    Revive,
}

/// A confirmed payment is to be the proof for one call, once.
#[derive(Clone, Debug)]
pub struct Redeeming {
    /// The payment.
    pub order: Id,
    /// The one call: the same again changes nothing, another is refused.
    pub call: String,
    pub participant: String,
    pub service: String,
    /// What must have been paid.
    pub kbk: String,
    pub amount: Amount,
    pub at_us: i64,
}

/// Money that pays no charge is to pay this one.
#[derive(Clone, Debug)]
pub struct Applying {
    /// The payment that opens.
    pub order: Id,
    /// The one whose money it takes.
    pub from: Id,
    pub charge: Id,
    /// An operator's.
    pub reason: String,
    pub at_us: i64,
}

/// Everything that changes payments.
#[derive(Clone, Debug)]
pub enum Command {
    /// All of these charges, or none.
    Register(Vec<Charge>),
    /// The agency takes a charge back that nobody has begun to pay.
    Annul {
        charge: Id,
        agency: String,
        at_us: i64,
    },
    Open(Opening),
    Receive(Receipt),
    Act(Act),
    Inquire(Inquiry),
    Hear(Report),
    /// A bank says that so much of a payment went back: a refund of ours, or a return that opens this
    /// order.
    Return {
        order: Id,
        report: Report,
    },
    Refund(Refund),
    Redeem(Redeeming),
    /// The call that a payment was the proof for came to nothing: it may be the proof for another.
    Restore {
        order: Id,
        call: String,
        at_us: i64,
    },
    Apply(Applying),
    /// An operator ends a contradiction.
    Rule {
        order: Id,
        ruling: Ruling,
        reason: String,
        at_us: i64,
    },
    /// Fixes what an operating day, and every one before it, holds.
    Close {
        bank: String,
        day: OperatingDay,
        at_us: i64,
    },
    /// Something is done with a notice, by its id, where it still has this version.
    Tell {
        notice: String,
        version: i64,
        telling: Telling,
        at_us: i64,
    },
    /// Runs, and the work on breaks.
    Reconcile(breaks::Command),
    /// Drops answers kept for keys, the oldest first, a thousand at a time.
    Forget {
        before_us: i64,
    },
}

/// A key under which a request is done once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose key it is and for what, e.g. `demo_portal:charges`.
    pub owner: String,
    pub key: String,
    /// SHA-256 of the request's body, 64 hex digits.
    pub digest: String,
    pub at_us: i64,
}

impl Key {
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.owner, self.key)
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Done now, or refused without an effect; the bytes are those kept for the same key, if any.
    Now(Reply, Option<Vec<u8>>),
    /// Done before: the answer that was given then, byte for byte.
    Again(Vec<u8>),
    /// Another body stands under the same key; nothing was done.
    OtherBody,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Done,
    /// The order as it is now, and whether this changed it; of a receipt also its charge.
    Order {
        order: Box<Order>,
        is_new: bool,
        charge: Option<Box<Charge>>,
    },
    Closed(Box<Closing>),
    /// The notice as it is now.
    Notice(Box<Notice>),
    /// What a run or an operator has done.
    Reconciled(breaks::Outcome),
    /// Nothing was done.
    Refused(Refusal),
}

impl Reply {
    /// The order, where there is one.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Order { order, .. } => Some(order),
            _ => None,
        }
    }
}

impl Command {
    /// What a word of a bank asks for.
    #[must_use]
    pub fn of_word(report: Report) -> Self {
        if report.said.goes_back() {
            let order = Id::of_event(report.at_us, &report.bank, &report.event_id);
            Self::Return { order, report }
        } else {
            Self::Hear(report)
        }
    }

    /// Whether every text is short and free of NUL, which PostgreSQL's texts cannot hold.
    pub(super) fn is_clean(&self) -> bool {
        let texts: Vec<&str> = match self {
            Self::Register(charges) => {
                let texts = charges.iter().flat_map(|charge| {
                    [
                        charge.agency.as_str(),
                        &charge.number,
                        &charge.name,
                        &charge.purpose_kk,
                        &charge.purpose_ru,
                        &charge.purpose_en,
                    ]
                });
                return (1..=CHARGES_MAX).contains(&charges.len())
                    && texts.into_iter().all(is_clean);
            }
            Self::Annul { agency, .. } => vec![agency],
            Self::Open(opening) => vec![&opening.bank, &opening.opened_by],
            Self::Receive(receipt) => {
                let document = receipt.document_number.as_deref().unwrap_or_default();
                vec![&receipt.bank, &receipt.txn_id, document, &receipt.original_digest]
            }
            Self::Act(act) => vec![&act.node],
            Self::Hear(report) | Self::Return { report, .. } => {
                let about = match &report.about {
                    About::Order(_) => "",
                    About::EndToEnd(id) | About::Txn(id) => id,
                };
                let document = report.document_number.as_deref().unwrap_or_default();
                let txn_id = report.txn_id.as_deref().unwrap_or_default();
                let url = report.redirect_url.as_deref().unwrap_or_default();
                let texts = [about, document, txn_id, &report.bank, &report.event_id, &report.note];
                let more = [url, report.original_digest.as_str()];
                return texts.into_iter().chain(more).all(is_clean);
            }
            Self::Inquire(inquiry) => vec![&inquiry.node],
            Self::Refund(refund) => vec![&refund.reason, &refund.opened_by],
            Self::Redeem(asked) => {
                vec![&asked.call, &asked.participant, &asked.service, &asked.kbk]
            }
            Self::Restore { call, .. } => vec![call],
            Self::Rule { reason, .. } => vec![reason],
            Self::Apply(asked) => vec![&asked.reason],
            Self::Close { bank, .. } => vec![bank],
            Self::Tell { notice, .. } => vec![notice],
            Self::Reconcile(command) => return command.is_clean(),
            Self::Forget { .. } => Vec::new(),
        };
        texts.into_iter().all(is_clean)
    }
}

pub(super) fn is_clean(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX && !text.contains('\0')
}
