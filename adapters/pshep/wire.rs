//! The messages of the payment gateway's simulated profile: ours, because its own are not public.
//!
//! Elements are unqualified. Amounts are tenge with at most two decimals, as text.

use qaqpa_kit::ids;
use qaqpa_kit::money::Amount;
use qaqpa_kit::payload::said;
use qaqpa_kit::wire::{Bin, DateTime, More};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Ids of the services, as the manifest has them.
pub const REQUISITES: &str = "PSHEP_Requisites";
pub const REGISTER: &str = "PSHEP_PaymentRegister";
pub const CONFIRM: &str = "PSHEP_PaymentConfirm";
pub const RECEIPT: &str = "PSHEP_Receipt";
pub const ANNUL: &str = "PSHEP_PaymentAnnul";

/// A request that can be held against the rules before it is sent.
pub trait Checked {
    /// What the payment gateway would refuse; `checked`: check digits count.
    ///
    /// # Errors
    /// The public reason.
    fn check(&self, checked: bool) -> Result<(), &'static str>;
}

/// Where a payment of this kind goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequisitesRequest {
    /// BIN of who is paid.
    pub payee_bin: Bin,
    /// Budget classification code (КБК), six digits.
    #[schemars(regex(pattern = r"^[0-9]{6}$"))]
    pub kbk: String,
}

impl Checked for RequisitesRequest {
    fn check(&self, checked: bool) -> Result<(), &'static str> {
        bin(&self.payee_bin, checked)?;
        ids::Kbk::parse(&self.kbk).map(drop).map_err(|error| error.reason())
    }
}

/// A payment that is to be made.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterRequest {
    /// The end-to-end id of the payment, at most 35 characters.
    #[schemars(length(max = 35))]
    pub payment_id: String,
    /// The agency's number of the charge.
    pub charge_number: Option<String>,
    /// IIN or BIN of who pays.
    pub payer: Bin,
    /// BIN of who is paid.
    pub payee_bin: Bin,
    /// Budget classification code (КБК), six digits.
    #[schemars(regex(pattern = r"^[0-9]{6}$"))]
    pub kbk: String,
    /// Purpose of payment (КНП), three digits.
    #[schemars(regex(pattern = r"^[0-9]{3}$"))]
    pub knp: String,
    /// Tenge with at most two decimals.
    pub amount: String,
    /// BIC of the bank that is to carry it out.
    pub bank: String,
    pub purpose: String,
}

impl Checked for RegisterRequest {
    fn check(&self, checked: bool) -> Result<(), &'static str> {
        id(&self.payment_id, "payment_id_malformed")?;
        if self.payment_id.len() > 35 {
            return Err("payment_id_malformed");
        }
        bin(&self.payee_bin, checked)?;
        let payer = self.payer.as_ref();
        ids::Iin::parse(payer, checked)
            .map(drop)
            .or_else(|_| ids::Bin::parse(payer, checked).map(drop))
            .map_err(|error| error.reason())?;
        ids::Kbk::parse(&self.kbk).map_err(|error| error.reason())?;
        ids::Knp::parse(&self.knp).map_err(|error| error.reason())?;
        ids::Bic::parse(&self.bank).map_err(|error| error.reason())?;
        Amount::parse(&self.amount).map(drop).map_err(|error| error.reason())
    }
}

/// A bank carried the payment out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmRequest {
    /// The payment gateway's number, from the registration.
    pub payment_number: String,
    /// The bank's document.
    pub document_number: String,
    /// Tenge with at most two decimals.
    pub amount: String,
    /// When the payer's account was debited.
    pub paid_at: DateTime,
}

impl Checked for ConfirmRequest {
    fn check(&self, _: bool) -> Result<(), &'static str> {
        id(&self.payment_number, "payment_number_malformed")?;
        id(&self.document_number, "document_number_malformed")?;
        Amount::parse(&self.amount).map(drop).map_err(|error| error.reason())
    }
}

/// The receipt of a payment is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptRequest {
    /// The payment gateway's number, from the registration.
    pub payment_number: String,
}

impl Checked for ReceiptRequest {
    fn check(&self, _: bool) -> Result<(), &'static str> {
        id(&self.payment_number, "payment_number_malformed")
    }
}

/// A payment that nobody carried out is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnnulRequest {
    /// The payment gateway's number, from the registration.
    pub payment_number: String,
    pub reason: String,
}

impl Checked for AnnulRequest {
    fn check(&self, _: bool) -> Result<(), &'static str> {
        id(&self.payment_number, "payment_number_malformed")?;
        if self.reason.trim().is_empty() { Err("reason_missing") } else { Ok(()) }
    }
}

fn bin(text: &Bin, checked: bool) -> Result<(), &'static str> {
    ids::Bin::parse(text.as_ref(), checked).map(drop).map_err(|error| error.reason())
}

fn id(text: &str, reason: &'static str) -> Result<(), &'static str> {
    let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if is_id { Ok(()) } else { Err(reason) }
}

/// The one part of an answer that tells the outcome.
#[derive(Deserialize)]
pub struct Verdict {
    result: Option<CodeOnly>,
}

#[derive(Deserialize)]
struct CodeOnly {
    code: Option<String>,
}

impl Verdict {
    /// `result/code`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        said(self.result.as_ref()?.code.as_ref())
    }
}

/// How it ended.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// 0000 is done.
    pub code: Option<String>,
    pub name_kz: Option<String>,
    pub name_ru: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// The answer of every service; each fills its own part.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub result: Option<Outcome>,
    /// The payment gateway's number of the payment.
    pub payment_number: Option<String>,
    /// `registered`, `confirmed` or `annulled`.
    pub state: Option<String>,
    pub requisites: Option<Requisites>,
    pub receipt: Option<Receipt>,
    #[serde(flatten)]
    pub more: More,
}

/// Where a payment goes.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requisites {
    pub payee_name: Option<String>,
    pub payee_bin: Option<Bin>,
    pub iban: Option<String>,
    pub bic: Option<String>,
    pub kbk: Option<String>,
    pub knp: Option<String>,
    pub kbe: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// What proves a payment.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub number: Option<String>,
    pub document_number: Option<String>,
    pub paid_at: Option<DateTime>,
    #[serde(flatten)]
    pub more: More,
}
