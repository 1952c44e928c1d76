//! Breaks: the twelve ways in which two sides of a day disagree, who must act, and what one is known by.

use super::ingest::day::Calendar;
use super::ingest::frame::Side;
use super::ingest::source::Line;
use super::matching::compare::{self, differences};
use super::matching::residual::Rule;
use crate::payments::calendar::OperatingDay;
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::hex;
use serde::{Serialize, Serializer};
use std::cmp::Ordering;

/// What is wrong. In the order in which reports list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// The journal's row; the register has no row of this payment.
    MissingInBank,
    /// The register's row; the journal has no row of this payment.
    MissingInGateway,
    /// A pair with different amounts or currencies.
    AmountMismatch,
    /// A pair with different statuses.
    StatusMismatch,
    /// A further row of the register for a payment that has one.
    DuplicateInBank,
    /// A further row of the journal for a payment that has one.
    DuplicateInGateway,
    /// A pair whose money came for a charge that was paid already.
    DoublePaidCharge,
    /// A pair with different КБК, КНП, BIN of the payee or IIN of the payer.
    RequisiteMismatch,
    /// A pair that agrees, but in another operating day or with another value date.
    LateCutoff,
    /// A pair whose money came after the order had expired or was cancelled.
    LateCredit,
    /// A return in the register that belongs to no row of the journal.
    ReturnUnlinked,
    /// A file that breaks its own promises, refused whole.
    FileIntegrity,
}

/// All twelve.
pub const CATEGORIES: [Category; 12] = [
    Category::MissingInBank,
    Category::MissingInGateway,
    Category::AmountMismatch,
    Category::StatusMismatch,
    Category::DuplicateInBank,
    Category::DuplicateInGateway,
    Category::DoublePaidCharge,
    Category::RequisiteMismatch,
    Category::LateCutoff,
    Category::LateCredit,
    Category::ReturnUnlinked,
    Category::FileIntegrity,
];

/// The lone rows that the next day's run takes up again.
pub const OPEN: [Category; 3] =
    [Category::MissingInBank, Category::MissingInGateway, Category::ReturnUnlinked];

/// Who must act on a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Acts {
    Bank,
    Gateway,
    Both,
    /// It closes by itself with the next operating day.
    Nobody,
}

impl Acts {
    /// Its name in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Gateway => "gateway",
            Self::Both => "both",
            Self::Nobody => "nobody",
        }
    }
}

impl Category {
    /// Its name, in the counts and everywhere.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MissingInBank => "MISSING_IN_BANK",
            Self::MissingInGateway => "MISSING_IN_GATEWAY",
            Self::AmountMismatch => "AMOUNT_MISMATCH",
            Self::StatusMismatch => "STATUS_MISMATCH",
            Self::DuplicateInBank => "DUPLICATE_IN_BANK",
            Self::DuplicateInGateway => "DUPLICATE_IN_GATEWAY",
            Self::DoublePaidCharge => "DOUBLE_PAID_CHARGE",
            Self::RequisiteMismatch => "REQUISITE_MISMATCH",
            Self::LateCutoff => "LATE_CUTOFF",
            Self::LateCredit => "LATE_CREDIT",
            Self::ReturnUnlinked => "RETURN_UNLINKED",
            Self::FileIntegrity => "FILE_INTEGRITY",
        }
    }

    /// Which side must act.
    #[must_use]
    pub const fn acts(self) -> Acts {
        match self {
            Self::MissingInBank | Self::DuplicateInBank | Self::FileIntegrity => Acts::Bank,
            Self::MissingInGateway
            | Self::DuplicateInGateway
            | Self::DoublePaidCharge
            | Self::LateCredit
            | Self::ReturnUnlinked => Acts::Gateway,
            Self::AmountMismatch | Self::StatusMismatch | Self::RequisiteMismatch => Acts::Both,
            Self::LateCutoff => Acts::Nobody,
        }
    }

    /// Where its work begins: what has found its other half is closed already.
    #[must_use]
    pub const fn state(self) -> &'static str {
        match self.acts() {
            Acts::Nobody => "AUTO_CLOSED",
            _ => "OPEN",
        }
    }

    /// The desk that a new break lies on.
    #[must_use]
    pub const fn owner(self) -> &'static str {
        match self.acts() {
            Acts::Bank => "bank_desk",
            Acts::Gateway | Acts::Both => "payments_desk",
            Acts::Nobody => "",
        }
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

/// What a run found of one row or one pair: a break, or a pair that a residual rule made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `None`: the two agree.
    pub category: Option<Category>,
    /// The rule that made the pair; `None` for a lone row.
    pub rule: Option<Rule>,
    pub journal: Option<Line>,
    pub register: Option<Line>,
    /// Rows of the other side that are like a lone row, and why they are no pair.
    pub candidates: String,
}

impl Finding {
    /// A pair; `None` where its rule was the id and the two agree, which is only counted.
    #[must_use]
    pub fn pair(rule: Rule, journal: Line, register: Line) -> Option<Self> {
        let category = compare::category(&journal, &register);
        let is_listed = category.is_some() || rule != Rule::E2eId;
        is_listed.then(|| Self {
            category,
            rule: Some(rule),
            journal: Some(journal),
            register: Some(register),
            candidates: String::new(),
        })
    }

    /// A row whose payment the other side does not have.
    #[must_use]
    pub fn alone(line: Line, candidates: String) -> Self {
        let category = match line.side {
            Side::Journal => Category::MissingInBank,
            Side::Register if compare::is_return(&line) => Category::ReturnUnlinked,
            Side::Register => Category::MissingInGateway,
        };
        Self::lone(category, line, candidates)
    }

    /// A further row of a payment.
    #[must_use]
    pub fn extra(line: Line) -> Self {
        let category = match line.side {
            Side::Journal => Category::DuplicateInGateway,
            Side::Register if compare::is_return(&line) => Category::ReturnUnlinked,
            Side::Register => Category::DuplicateInBank,
        };
        Self::lone(category, line, String::new())
    }

    fn lone(category: Category, line: Line, candidates: String) -> Self {
        let (journal, register) = match line.side {
            Side::Journal => (Some(line), None),
            Side::Register => (None, Some(line)),
        };
        Self { category: Some(category), rule: None, journal, register, candidates }
    }

    /// The side whose row names the break.
    #[must_use]
    pub fn side(&self) -> Side {
        if self.journal.is_some() { Side::Journal } else { Side::Register }
    }

    /// What it is known by: the id of the payment, else the receipt, else the whole row.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let lines = [self.journal.as_ref(), self.register.as_ref()];
        let rows = || lines.into_iter().flatten().map(Line::row);
        let id = rows().map(|row| row.e2e_id).find(|id| !id.is_empty());
        let receipt = || rows().map(|row| row.receipt).find(|receipt| !receipt.is_empty());
        match (id, receipt()) {
            (Some(id), _) => id.to_vec(),
            (None, Some(receipt)) => [b"receipt:", receipt].concat(),
            (None, None) => lines.into_iter().flatten().flat_map(Line::text).copied().collect(),
        }
    }

    /// The day since which it has been open; today's where no earlier run knew of it.
    #[must_use]
    pub fn since(&self, today: OperatingDay) -> OperatingDay {
        let lines = [&self.journal, &self.register].into_iter().flatten();
        lines.filter_map(|line| line.since).min().unwrap_or(today)
    }

    /// The row that stays open, where this is a lone row whose other half may come on another day.
    #[must_use]
    pub fn open_row(&self) -> Option<&Line> {
        let is_open = self.category.is_some_and(|category| OPEN.contains(&category));
        self.journal.as_ref().or(self.register.as_ref()).filter(|_| is_open)
    }

    /// Money that is in question.
    #[must_use]
    pub fn amount_tiyn(&self) -> i64 {
        let amount = |line: &Option<Line>| line.as_ref().map_or(0, |line| line.amount_tiyn);
        amount(&self.journal).max(amount(&self.register))
    }

    /// The rule that failed, in words of the columns.
    #[must_use]
    pub fn why(&self) -> String {
        match (&self.journal, &self.register) {
            (Some(journal), Some(register)) => {
                let fields = differences(journal, register);
                fields.iter().map(|field| field.word()).collect::<Vec<_>>().join(" ")
            }
            (Some(line), None) | (None, Some(line)) => match self.category {
                Some(Category::DuplicateInBank | Category::DuplicateInGateway) => {
                    let what = if line.row().e2e_id.is_empty() { "row" } else { "e2e_id" };
                    format!("{what} occurs again")
                }
                _ if line.row().e2e_id.is_empty() => {
                    "no e2e_id; receipt and payer_amount_day found no single row".to_owned()
                }
                _ => "e2e_id is not on the other side".to_owned(),
            },
            (None, None) => String::new(),
        }
    }

    /// The order of reports, which no order of rows in a file can change.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let text = |line: &Option<Line>| line.as_ref().map(|line| line.text().to_vec());
        (self.category.cmp(&other.category))
            .then_with(|| self.key().cmp(&other.key()))
            .then_with(|| text(&self.journal).cmp(&text(&other.journal)))
            .then_with(|| text(&self.register).cmp(&text(&other.register)))
    }
}

/// The window that breaks are counted in: a bank's operating day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub bank: String,
    pub day: OperatingDay,
}

/// The id of a break: 32 hex digits of SHA-256 over window, side, key, category and the number among
/// those that have all these in common. The same at every run, whatever stands in the files besides.
#[must_use]
pub fn id(window: &Window, side: Side, key: &[u8], category: Category, number: u32) -> String {
    let mut hash = Context::new(&SHA256);
    let day = window.day.to_string();
    let number = number.to_string();
    let parts: [&[u8]; 7] = [
        b"qaqpa-break-1",
        window.bank.as_bytes(),
        day.as_bytes(),
        side.word().as_bytes(),
        category.word().as_bytes(),
        number.as_bytes(),
        key,
    ];
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::lower(hash.finish().as_ref().get(..16).unwrap_or_default())
}

/// How long a break has been open, in operating days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    pub days: u32,
    /// `0`, `1`, `2-3`, `4-7`, `8-30` or `>30`.
    pub bucket: &'static str,
}

/// The buckets of ages, youngest first.
pub const BUCKETS: [&str; 6] = ["0", "1", "2-3", "4-7", "8-30", ">30"];

impl Age {
    /// The age of a break since a day, on the day of the run.
    #[must_use]
    pub fn of(calendar: &Calendar, since: OperatingDay, day: OperatingDay) -> Self {
        let days = calendar.age(since, day);
        let [today, one, few, week, month, old] = BUCKETS;
        let bucket = match days {
            0 => today,
            1 => one,
            2..=3 => few,
            4..=7 => week,
            8..=30 => month,
            _ => old,
        };
        Self { days, bucket }
    }

    /// Amount × age, where what is new counts as a day: the higher, the sooner.
    #[must_use]
    pub fn priority(self, amount_tiyn: i64) -> i64 {
        amount_tiyn.saturating_mul(i64::from(self.days) + 1)
    }
}
