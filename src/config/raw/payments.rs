//! `payments.toml` as written: banks with their operating days, budget codes, fees and duties.

use super::Name;
use qaqpa_kit::bank::{Accounts, Covered, Place};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::value::Datetime;

/// The whole file; an installation without payments has none.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payments {
    /// What is printed on receipts.
    pub receipt: Receipt,
    /// Banks by id.
    pub bank: BTreeMap<String, Bank>,
    /// Where ISO 20022 messages carry the country's codes, by the name of the profile.
    pub placement: BTreeMap<String, Placement>,
    /// Budget classification codes (КБК) in use, by their six digits.
    pub kbk: BTreeMap<String, Code>,
    /// Purposes of payment (КНП) in use, by their three digits.
    pub knp: BTreeMap<String, Code>,
    /// Sides of a payment (КБе) in use, by their two digits.
    pub kbe: BTreeMap<String, Code>,
    /// Who is told what becomes of payments, by participant.
    pub notice: BTreeMap<String, Notice>,
    /// State fees (алым) and state duties (баж), by id.
    pub tariff: BTreeMap<String, Tariff>,
}

/// What is printed on receipts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Receipt {
    /// Where anybody looks a receipt up, without its number; empty: receipts name no address.
    pub url: String,
}

/// A bank and its operating days.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bank {
    /// Name for people; required.
    pub name: Name,
    /// Its BIC (БИК), 8 or 11 characters; required.
    pub bic: String,
    /// The participant that calls as this bank; empty: it asks nothing of us.
    pub participant: String,
    /// The agency of `services.toml` that takes our orders; empty: none is sent to it.
    pub agency: String,
    /// The adapter in whose dialect it asks us at `/bank/{id}/…`; empty: it asks nothing of us.
    pub provider: String,
    /// The header that bears a detached JWS over each request; empty: it signs nothing.
    pub signature_header: String,
    /// What that signature covers.
    pub signature_covers: Covered,
    /// The profile of `placement` that its ISO 20022 messages follow; empty: the usual one.
    pub placement: String,
    /// Astana time from which a payment belongs to the next operating day.
    pub cut_off: String,
    /// Days of the week without an operating day.
    pub rest_days: Vec<Weekday>,
    /// Dates without an operating day.
    pub holidays: Vec<Datetime>,
    /// Dates with an operating day though they are days of rest.
    pub working_days: Vec<Datetime>,
}

impl Default for Bank {
    fn default() -> Self {
        Self {
            name: Name::default(),
            bic: String::new(),
            participant: String::new(),
            agency: String::new(),
            provider: String::new(),
            signature_header: String::new(),
            signature_covers: Covered::Request,
            placement: String::new(),
            cut_off: "16:00".to_owned(),
            rest_days: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: Vec::new(),
            working_days: Vec::new(),
        }
    }
}

/// How a participant is told what becomes of payments.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notice {
    /// The SyncChannel agency of `services.toml` that takes its notices; required.
    pub agency: String,
}

/// Where ISO 20022 messages carry what the standard has no field for; a place holds one value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Placement {
    /// Purpose of payment (КНП).
    pub knp: Place,
    /// Budget classification code (КБК).
    pub kbk: Place,
    /// Side of the payment (КБе).
    pub kbe: Place,
    /// The charge that a payment of a bank's own customer pays.
    pub charge: Place,
    /// BIC of the bank that keeps the payee's account.
    pub payee_bic: String,
    /// Whose accounts the bank's camt.054 tells of, `payers` or `payees`: by it a debit is a payment or
    /// money that went back.
    pub accounts: Accounts,
}

impl Default for Placement {
    fn default() -> Self {
        let usual = qaqpa_kit::bank::Placement::usual();
        Self {
            knp: usual.knp,
            kbk: usual.kbk,
            kbe: usual.kbe,
            charge: usual.charge,
            payee_bic: usual.payee_bic.to_string(),
            accounts: usual.accounts,
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A code of a reference table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Code {
    /// Name for people; required.
    pub name: Name,
}

/// Whether a tariff is a fee or a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TariffKind {
    /// State fee (алым).
    Fee,
    /// State duty (баж).
    Duty,
}

/// A fee or a duty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tariff {
    /// Fee or duty; required.
    pub kind: Option<TariffKind>,
    /// Name for people; required.
    pub name: Name,
    /// Its budget code, one of the table `kbk`; required.
    pub kbk: String,
    /// Its purpose of payment, one of the table `knp`; required.
    pub knp: String,
    /// What it costs, one row for each span of days; the spans may not overlap.
    pub rate: Vec<Rate>,
}

/// What a fee or duty costs in a span of days.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// Tenge with at most two decimals, as text; required.
    pub amount: String,
    /// First day (Astana time); required.
    pub from: Option<Datetime>,
    /// First day after it; default: until further notice.
    pub until: Option<Datetime>,
}
