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

/// Characters of a purpose: six lines of a payment order.
const PURPOSE_CHARS_MAX: usize = 420;

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
    /// At most 420 characters.
    #[schemars(length(min = 1, max = 420))]
    pub purpose: String,
}

impl Checked for RegisterRequest {
    fn check(&self, checked: bool) -> Result<(), &'static str> {
        id(&self.payment_id, "payment_id_malformed")?;
        if self.payment_id.len() > 35 {
            return Err("payment_id_malformed");
        }
        bin(&self.payee_bin, checked)?;
        payer(&self.payer, checked)?;
        ids::Kbk::parse(&self.kbk).map_err(|error| error.reason())?;
        ids::Knp::parse(&self.knp).map_err(|error| error.reason())?;
        ids::Bic::parse(&self.bank).map_err(|error| error.reason())?;
        if let Some(number) = &self.charge_number {
            id(number, "charge_number_malformed")?;
        }
        let purpose = self.purpose.trim();
        if purpose.is_empty() || purpose.chars().count() > PURPOSE_CHARS_MAX {
            return Err("purpose_malformed");
        }
        amount(&self.amount)
    }
}

/// An IIN or a BIN; what is wrong is told of the one that it is.
fn payer(payer: &Bin, checked: bool) -> Result<(), &'static str> {
    let wrong_kind = ids::IdError::WrongKind.reason();
    let iin = ids::Iin::parse(payer.as_ref(), checked).map(drop).map_err(|error| error.reason());
    match iin {
        Err(reason) if reason == wrong_kind => {
            ids::Bin::parse(payer.as_ref(), checked).map(drop).map_err(|error| error.reason())
        }
        iin => iin,
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
        if !self.paid_at.is_moment() {
            return Err("date_malformed");
        }
        amount(&self.amount)
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

/// With a dot: whoever reads a comma as a mark of thousands takes a hundred times as much.
fn amount(text: &str) -> Result<(), &'static str> {
    if text.contains(',') {
        return Err("amount_not_decimal");
    }
    Amount::parse(text).map(drop).map_err(|error| error.reason())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> RegisterRequest {
        let text = |text: &str| text.to_owned();
        RegisterRequest {
            payment_id: text("GW0199c3d2a9a77b558a0e1c2d3e4f5a6b"),
            charge_number: Some(text("DEMO-17")),
            payer: "900101300017".into(),
            payee_bin: "990140000017".into(),
            kbk: text("108125"),
            knp: text("911"),
            amount: text("19875.00"),
            bank: text("BANKKZ9A"),
            purpose: text("Баж"),
        }
    }

    /// Writes a text into one field.
    type Change = fn(&mut RegisterRequest, &str);

    #[test]
    fn what_the_payment_gateway_would_refuse_is_not_sent() {
        assert_eq!(register().check(true), Ok(()));
        let long = "a".repeat(PURPOSE_CHARS_MAX + 1);
        let cases: [(&str, Change, &str); 18] = [
            ("0", |asked, text| asked.amount = text.into(), "amount_not_positive"),
            ("-1", |asked, text| asked.amount = text.into(), "amount_not_positive"),
            ("1e3", |asked, text| asked.amount = text.into(), "amount_not_decimal"),
            ("1,00", |asked, text| asked.amount = text.into(), "amount_not_decimal"),
            ("1.005", |asked, text| asked.amount = text.into(), "amount_too_fine"),
            ("9999999999999999999", |asked, text| asked.amount = text.into(), "amount_too_large"),
            ("", |asked, text| asked.payment_id = text.into(), "payment_id_malformed"),
            ("қ", |asked, text| asked.payment_id = text.into(), "payment_id_malformed"),
            (&"g".repeat(36), |asked, text| asked.payment_id = text.into(), "payment_id_malformed"),
            (
                "a b",
                |asked, text| asked.charge_number = Some(text.into()),
                "charge_number_malformed",
            ),
            (" ", |asked, text| asked.purpose = text.into(), "purpose_malformed"),
            (&long, |asked, text| asked.purpose = text.into(), "purpose_malformed"),
            ("900101300018", |asked, text| asked.payer = text.into(), "id_wrong_check_digit"),
            ("990140000018", |asked, text| asked.payee_bin = text.into(), "id_wrong_check_digit"),
            ("10812", |asked, text| asked.kbk = text.into(), "kbk"),
            ("10812A", |asked, text| asked.kbk = text.into(), "kbk"),
            ("91", |asked, text| asked.knp = text.into(), "knp"),
            ("BANK", |asked, text| asked.bank = text.into(), "bic"),
        ];
        for (text, change, reason) in cases {
            let mut asked = register();
            change(&mut asked, text);
            let found = asked.check(true).expect_err(text);
            let is_known = ["kbk", "knp", "bic"].contains(&reason) || found == reason;
            assert!(is_known, "{text}: {found}");
        }
    }

    #[test]
    fn a_confirmation_names_a_moment_that_a_clock_shows() {
        for (paid_at, is_fit) in [
            ("2026-11-22T14:30:05+05:00", true),
            ("2026-11-22T14:30:05.123+0500", true),
            ("2024-02-29T00:00:00Z", true),
            ("2026-11-22T14:30:05", true),
            ("2026-02-29T00:00:00Z", false),
            ("2026-11-22T24:00:00Z", false),
            ("2026-11-22T14:60:00Z", false),
            ("0001-01-01T00:00:00Z", false),
            ("2026-11-22", false),
            ("2026-11-22T14:30:05+05:00:00", false),
            ("yesterday, at noon, about", false),
            ("", false),
        ] {
            let asked = ConfirmRequest {
                payment_number: "PS-1".to_owned(),
                document_number: "47".to_owned(),
                amount: "1.00".to_owned(),
                paid_at: paid_at.into(),
            };
            assert_eq!(asked.check(true).is_ok(), is_fit, "{paid_at}");
        }
    }
}
