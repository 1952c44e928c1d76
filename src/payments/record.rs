//! The rows of payments, as both stores keep them and as everybody reads them.
//!
//! One serde form serves SQLite and PostgreSQL: a row is a flat object of numbers, texts and nulls,
//! whose fields are the columns of `schema/*.sql`.

mod name;
mod notice;
mod redemption;

pub use name::{Id, Party};
pub use notice::{Change, Notice, NoticeCount, OpenCount};
pub use redemption::Redemption;

use super::calendar::OperatingDay;
use super::ledger::{self, Account, Asset, Claim, Payee, Position};
use super::order::{self, Evidence, Rank, Ruling, State, Step};
use qaqpa_kit::ids::{Bin, Iban, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use serde::{Deserialize, Serialize};

/// Columns 0 and 1.
mod flag {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(flag: &bool, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(u8::from(*flag))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
        u8::deserialize(from).map(|number| number != 0)
    }
}

/// The terms of a new charge, each of them checked by its type.
#[derive(Clone, Debug)]
pub struct Terms {
    pub agency: String,
    /// The agency's own number; unique at the agency.
    pub number: String,
    pub payer: Party,
    pub payee: Bin,
    /// The fee or duty that it is for, by its id; `None`: the agency named an amount.
    pub tariff: Option<String>,
    pub kbk: Kbk,
    pub knp: Knp,
    pub kbe: Kbe,
    pub iban: Iban,
    pub amount: Amount,
    pub purpose: Name,
    /// Days since 1970.
    pub due_day: Option<i32>,
}

/// What somebody is to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    pub id: Id,
    /// `agency/number`, unique.
    pub name: String,
    pub agency: String,
    pub number: String,
    pub payer: Party,
    pub payee: Party,
    pub kbk: String,
    pub knp: String,
    pub kbe: String,
    pub iban: String,
    pub amount_tiyn: i64,
    pub purpose_kk: String,
    pub purpose_ru: String,
    pub purpose_en: String,
    pub due_day: Option<i32>,
    pub registered_at_us: i64,
    pub annulled_at_us: Option<i64>,
    /// The fee or duty that it was registered for.
    pub tariff: Option<String>,
    pub version: i64,
}

impl Charge {
    /// A charge by these terms, registered at this moment.
    #[must_use]
    pub fn new(id: Id, terms: Terms, registered_at_us: i64) -> Self {
        Self {
            id,
            name: format!("{}/{}", terms.agency, terms.number),
            agency: terms.agency,
            number: terms.number,
            payer: terms.payer,
            payee: terms.payee.into(),
            kbk: terms.kbk.to_string(),
            knp: terms.knp.to_string(),
            kbe: terms.kbe.to_string(),
            iban: terms.iban.text(),
            amount_tiyn: terms.amount.tiyn(),
            purpose_kk: terms.purpose.kk,
            purpose_ru: terms.purpose.ru,
            purpose_en: terms.purpose.en,
            due_day: terms.due_day,
            registered_at_us,
            annulled_at_us: None,
            tariff: terms.tariff,
            version: 1,
        }
    }
}

/// A payment, or with `reverses` a refund, or a return that its bank made by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: Id,
    /// The payment that this refund or return gives back.
    pub reverses: Option<Id>,
    /// The payment that pays no charge of its own, and whose money an operator led here.
    pub takes: Option<Id>,
    pub charge: Option<Id>,
    pub bank: String,
    /// The same at every attempt; at most 35 characters (ISO 20022 EndToEndId).
    pub end_to_end_id: String,
    /// Who really pays; another than the charge's payer may.
    pub payer: Party,
    pub payee: Party,
    pub kbk: String,
    pub amount_tiyn: i64,
    pub step: Step,
    pub rank: Rank,
    #[serde(with = "flag")]
    pub is_rejected: bool,
    #[serde(with = "flag")]
    pub is_disputed: bool,
    pub ruling: Option<Ruling>,
    /// By the table of `order.rs`.
    pub state: State,
    /// Where its money lies, by the table of `ledger.rs`.
    pub asset: Option<Asset>,
    pub claim: Option<Claim>,
    /// It keeps its charge from other payments; what was let go is taken again by an operator's ruling
    /// alone, if nobody else has it. Or a refund keeps its share of the payment, and takes it again where
    /// its money goes out after all; a return has one as soon as there is so much to give back.
    #[serde(with = "flag")]
    pub holds: bool,
    /// Grows with every change.
    pub version: i64,
    /// The node that made the last attempt.
    pub node: String,
    /// Fences: what an earlier attempt reports is not heard.
    pub attempt: u32,
    pub attempted_at_us: Option<i64>,
    pub opened_at_us: i64,
    /// Since when it has this state.
    pub changed_at_us: i64,
    /// After this no first attempt is made.
    pub deadline_us: i64,
    pub inquiries: u32,
    /// Answers `not found` in a row.
    pub not_found: u32,
    /// When it is to be looked after: submitted, given up at its deadline, or its bank asked; `None`:
    /// never again.
    pub next_check_at_us: Option<i64>,
    /// The bank's time.
    pub posted_at_us: Option<i64>,
    pub operating_day: Option<OperatingDay>,
    /// The bank's receipt number, unique for a bank and an operating day.
    pub document_number: Option<String>,
    pub document_key: Option<String>,
    /// Since when the number is known; `None` too where that is older than this column.
    pub document_at_us: Option<i64>,
    /// The bank's own id of the payment.
    pub txn_id: Option<String>,
    pub txn_key: Option<String>,
    /// Since when the id is known; `None` too where that is older than this column.
    pub txn_at_us: Option<i64>,
    /// Sum of the refunds that were not refused, of the returns, and of what was led to another charge; at
    /// most the amount.
    pub returned_tiyn: i64,
    /// The account that a refund takes from; a return takes from wherever the payment's money lies.
    pub source: Option<String>,
    /// Why it is as it is: a refund's reason, a surplus's cause, an operator's words.
    pub reason: String,
    /// The participant whose charge it is; is told what becomes of it.
    pub agency: String,
    /// The participant that asked for it, and is told too; empty of money that a bank took itself.
    pub opened_by: String,
    /// Where the payer has to go on (card acquiring), once the bank has said so.
    pub redirect_url: Option<String>,
}

impl Order {
    /// What was said of it.
    #[must_use]
    pub fn heard(&self) -> Evidence {
        let Self { rank, is_rejected, is_disputed, .. } = *self;
        Evidence { rank, is_rejected, is_disputed }
    }

    /// What is known of it: a return of more than there is to give back contradicts the payment.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let heard = self.heard();
        Evidence { is_disputed: heard.is_disputed || self.is_beyond(), ..heard }
    }

    /// A return for which its payment has no money.
    fn is_beyond(&self) -> bool {
        self.step == Step::Returned && !self.holds
    }

    /// Where its money lies.
    #[must_use]
    pub fn position(&self) -> Position {
        // What the bank gave of its own is none of ours.
        if self.is_beyond() {
            return None;
        }
        ledger::position(self.step, self.evidence(), self.ruling)
    }

    /// The accounts that its money lies on: the debited, then the credited.
    #[must_use]
    pub fn accounts(&self) -> Option<(String, String)> {
        let position = self.position();
        let (debited, credited) = match &self.source {
            Some(source) => {
                let gives = ledger::refund_account(position?.0, &self.bank);
                return Some((source.clone(), gives.to_string()));
            }
            None => ledger::accounts(position, &self.bank, &self.payee())?,
        };
        // What an operator led here was in suspense, and there it is missing now.
        let suspense = self.takes.as_ref().map(|_| Account::Suspense(self.bank.clone()));
        let debited = suspense.unwrap_or(debited);
        Some((debited.to_string(), credited.to_string()))
    }

    fn payee(&self) -> Payee {
        Payee { bin: self.payee.digits().to_owned(), kbk: self.kbk.clone() }
    }

    /// The account that its money is owed to, where it has arrived.
    #[must_use]
    pub fn claimed(&self) -> Option<Account> {
        let (_, claim) = self.position()?;
        match claim {
            Claim::Expected => None,
            Claim::Payable => Some(Account::Payable(self.payee())),
            Claim::Suspense => Some(Account::Suspense(self.bank.clone())),
        }
    }

    /// A refund whose money has gone out, whatever it was thought to come to.
    pub(super) fn is_paid_back(&self) -> bool {
        let has_moved = self.position().is_some_and(|(asset, _)| asset != Asset::Pending);
        self.reverses.is_some() && has_moved
    }

    /// Derives what the tables derive.
    pub(super) fn derive(&mut self) {
        self.state = order::state(self.step, self.evidence(), self.ruling);
        self.holds &= self.state.holds() && self.step != Step::Surplus || self.is_paid_back();
        let position = self.position();
        self.asset = position.map(|(asset, _)| asset);
        self.claim = position.map(|(_, claim)| claim);
        if !self.state.needs_inquiry() && self.state != State::Reserved {
            self.next_check_at_us = None;
        }
    }
}

/// One word of a bank or an operator, as it was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// `bank/event_id`.
    pub id: String,
    pub order_id: Option<Id>,
    pub said: order::Said,
    pub source: Source,
    pub amount_tiyn: Option<i64>,
    pub document_number: Option<String>,
    pub posted_at_us: Option<i64>,
    pub heard_at_us: i64,
    /// SHA-256 of the message as it came, 64 hex digits; the journal keeps its bytes.
    pub original_digest: String,
    pub note: String,
    /// Only where no order was known by it then: the name that it spoke of, `bank/kind/name`, under which
    /// it waits, and what else it said.
    pub name: Option<String>,
    pub txn_id: Option<String>,
    pub redirect_url: Option<String>,
}

/// That a word which had no order has found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Joined {
    /// The word: `bank/event_id`.
    pub id: String,
    pub order_id: Id,
    pub joined_at_us: i64,
}

/// Whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The answer to our own attempt.
    Answer,
    /// A notice that the bank sent.
    Notice,
    /// The answer to an inquiry.
    Inquiry,
    /// A row of a register.
    Register,
    /// An operator, with a reason.
    Operator,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// `order/version/number`.
    pub id: String,
    pub order_id: Id,
    pub debit: String,
    pub credit: String,
    pub amount_tiyn: i64,
    pub operating_day: Option<OperatingDay>,
    pub moved_at_us: i64,
}

/// What a closed operating day of a bank holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// `bank/operating day`.
    pub id: String,
    pub bank: String,
    pub operating_day: OperatingDay,
    /// Payments and refunds.
    pub orders: i64,
    pub paid_tiyn: i64,
    pub returned_tiyn: i64,
    /// No earlier than anything that was known of its orders then.
    pub closed_at_us: i64,
}

/// The last closed operating day of a bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BankWindow {
    /// The bank's id.
    pub id: String,
    pub closed_through: Option<OperatingDay>,
    /// The latest closing; a later change of an order of a closed day is dated after it.
    pub closed_at_us: Option<i64>,
    pub version: i64,
}

/// An answer that was given under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RequestKey {
    /// `owner/key`.
    pub id: String,
    pub digest: String,
    /// Base64.
    pub answer: String,
    pub answered_at_us: i64,
}

/// Money that a bank may be about to take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    pub bank: String,
    pub orders: i64,
    pub amount_tiyn: i64,
}

/// What is open at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    pub pending: Vec<Level>,
    pub suspense: Vec<Level>,
}

/// Orders of one bank in one state, and their money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    pub bank: String,
    pub state: String,
    pub orders: i64,
    pub amount_tiyn: i64,
}

/// What moved through one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub account: String,
    /// Debits less credits.
    pub balance_tiyn: i64,
}
