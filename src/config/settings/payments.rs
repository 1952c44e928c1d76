//! What payments work with: the store, banks with their operating days, codes, fees and duties.

use super::Store;
use jiff::civil::{Date, Time, Weekday};
use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::bank::{Covered, Placement};
use qaqpa_kit::ids::{Bic, Bin, Kbe, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use qaqpa_kit::money::Amount;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The settings of payments.
#[derive(Debug, Clone)]
pub struct Payments {
    pub store: Store,
    /// Changes gathered into one commit at most.
    pub group_max: usize,
    /// Longest pause between two inquiries after an order left Unknown.
    pub inquiry_pause_max: Duration,
    /// Answers `not found` in a row before an order may be submitted again.
    pub not_found_min: u32,
    /// Silence since the last attempt before an order may be submitted again.
    pub quiet: Duration,
    pub receipt: Receipt,
    /// After each attempt to tell a participant, how long the next one waits; never empty.
    pub notice_pauses: Vec<Duration>,
    /// For how long the same request gets its stored answer.
    pub keys_kept: Duration,
    /// The agency that takes the notices of a participant, by participant.
    pub recipients: BTreeMap<String, String>,
    /// By id.
    pub banks: BTreeMap<String, Arc<Bank>>,
    /// Budget codes in use, with their names.
    pub kbk: BTreeMap<Kbk, Name>,
    /// Purposes of payment in use.
    pub knp: BTreeMap<Knp, Name>,
    /// Sides of a payment in use.
    pub kbe: BTreeMap<Kbe, Name>,
    /// Fees and duties by id.
    pub tariffs: BTreeMap<String, Tariff>,
}

impl Payments {
    /// Whether anything can be paid here.
    #[must_use]
    pub fn are_taken(&self) -> bool {
        !self.banks.is_empty()
    }

    /// A SQLite file with default limits and no reference data.
    #[must_use]
    pub fn embedded(path: PathBuf) -> Self {
        let raw = crate::config::raw::PaymentsStore::default();
        Self {
            store: Store::Embedded { path },
            group_max: raw.group_max,
            inquiry_pause_max: Duration::from_millis(raw.inquiry_pause_ms_max),
            not_found_min: raw.not_found_min,
            quiet: Duration::from_secs(raw.quiet_s),
            receipt: Receipt::default(),
            notice_pauses: raw.notice_pauses_s.into_iter().map(Duration::from_secs).collect(),
            keys_kept: Duration::from_secs(raw.keys_kept_s),
            recipients: BTreeMap::new(),
            banks: BTreeMap::new(),
            kbk: BTreeMap::new(),
            knp: BTreeMap::new(),
            kbe: BTreeMap::new(),
            tariffs: BTreeMap::new(),
        }
    }
}

/// What is printed on receipts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Where anybody looks one up, without a slash and the number at its end.
    pub url: Option<String>,
}

/// A bank and its operating days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    pub id: String,
    pub name: Name,
    pub bic: Bic,
    /// Id of the participant that calls as this bank.
    pub participant: Option<String>,
    /// Id of the agency that takes our orders.
    pub agency: Option<String>,
    /// How it asks us; `None`: it asks nothing.
    pub dialect: Option<Dialect>,
    /// Where its ISO 20022 messages carry the country's codes.
    pub placement: Placement,
    /// Astana time from which a payment belongs to the next operating day.
    pub cut_off: Time,
    /// Days of the week without an operating day; never all seven.
    pub rest_days: Vec<Weekday>,
    /// Dates without an operating day.
    pub holidays: BTreeSet<Date>,
    /// Dates with an operating day though they are days of rest.
    pub working_days: BTreeSet<Date>,
}

/// In whose dialect a bank asks us.
#[derive(Clone)]
pub struct Dialect {
    /// An adapter with a [`Provider`](qaqpa_kit::bank::Provider).
    pub adapter: Arc<dyn Adapter>,
    /// How it signs each request; `None`: its certificate alone proves the bank.
    pub signature: Option<BankSignature>,
}

/// The detached signature of a bank's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankSignature {
    /// The header that bears it, in lower case.
    pub header: String,
    /// What it covers.
    pub covers: Covered,
}

impl Dialect {
    fn parts(&self) -> (&str, Option<&BankSignature>) {
        (&self.adapter.manifest().id, self.signature.as_ref())
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dialect").field(&self.parts()).finish()
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Dialect {}

/// Whether a tariff is a fee or a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TariffKind {
    /// State fee (алым).
    Fee,
    /// State duty (баж).
    Duty,
}

/// A state fee or a state duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    pub kind: TariffKind,
    pub name: Name,
    pub kbk: Kbk,
    pub knp: Knp,
    /// In the order of days, without overlap.
    pub rates: Vec<Rate>,
}

impl Tariff {
    /// What it costs on a day (Astana time); `None` where no rate is valid.
    #[must_use]
    pub fn amount_on(&self, day: Date) -> Option<Amount> {
        let valid = |rate: &&Rate| rate.from <= day && rate.until.is_none_or(|until| day < until);
        self.rates.iter().find(valid).map(|rate| rate.amount)
    }
}

/// What a call to a service costs, and to whom it is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    pub price: Price,
    /// `None`: whomever the charge names.
    pub payee: Option<Bin>,
}

/// What a call to a service costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Price {
    /// A fee or duty, by its id, at the rate of the day of the payment.
    Tariff(String),
    Fixed {
        kbk: Kbk,
        amount: Amount,
    },
}

impl Price {
    /// On which budget code how much, for what was paid on this day; `None` where no rate is valid.
    #[must_use]
    pub fn on(&self, day: Date, tariffs: &BTreeMap<String, Tariff>) -> Option<(Kbk, Amount)> {
        match self {
            Self::Tariff(id) => {
                let tariff = tariffs.get(id)?;
                Some((tariff.kbk, tariff.amount_on(day)?))
            }
            Self::Fixed { kbk, amount } => Some((*kbk, *amount)),
        }
    }
}

/// What a fee or duty costs in a span of days, half-open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    pub amount: Amount,
    pub from: Date,
    /// `None`: until further notice.
    pub until: Option<Date>,
}
