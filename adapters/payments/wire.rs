//! The messages of the payments desk: what is asked and told of charges, payments and refunds.
//!
//! Amounts are whole numbers of tiyn. Moments are RFC 3339 with the country's zone, days `YYYY-MM-DD`.

use qaqpa_kit::wire::{Bin, Date, DateTime, Iin};
use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// What a charge is for, in the country's languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// In Kazakh.
    pub kk: String,
    /// In Russian.
    pub ru: String,
    /// In English.
    pub en: String,
}

/// A new charge. One of `payer_iin`, `payer_bin` and `payer` says who is to pay. Either `tariff` says
/// what it costs today and what it is for, or `kbk`, `knp`, `amount_tiyn` and `purpose` do.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeRegister {
    /// The caller's own number, unique among its charges; default: made here.
    pub number: Option<String>,
    /// IIN of the person who is to pay.
    pub payer_iin: Option<Iin>,
    /// BIN of the organisation that is to pay.
    pub payer_bin: Option<Bin>,
    /// IIN or BIN of who is to pay.
    pub payer: Option<Iin>,
    /// BIN of the organisation that is paid.
    pub payee_bin: Bin,
    /// A fee or duty of the tariff table, such as `duty_05`.
    pub tariff: Option<String>,
    /// Budget classification (КБК), six digits.
    pub kbk: Option<String>,
    /// Purpose of payment (КНП), three digits.
    pub knp: Option<String>,
    /// Side of the payee (КБе), two digits; default: 11, the central government.
    pub kbe: Option<String>,
    /// Account of the payee; default: the Treasury's, KZ24070105KSN0000000.
    pub iban: Option<String>,
    /// What is to be paid, in tiyn.
    #[schemars(range(min = 1))]
    pub amount_tiyn: Option<i64>,
    /// Until when it should be paid; a later payment is taken all the same.
    pub due_date: Option<Date>,
    /// What it is for; with `tariff`, its name is the default.
    pub purpose: Option<Purpose>,
}

/// Many new charges: all of them are registered, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargesLoad {
    #[schemars(length(min = 1, max = 1000))]
    pub charges: Vec<ChargeRegister>,
}

/// Charges that were registered together, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChargesLoaded {
    #[serde(default)]
    pub charges: Vec<Charge>,
}

/// Names one charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeName {
    pub charge_id: String,
}

/// Asks what somebody has still to pay.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargesOpen {
    /// IIN or BIN.
    pub payer: Iin,
    /// At most so many, the oldest first; default 100.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<i64>,
}

/// Charges that nobody has begun to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Charges {
    #[serde(default)]
    pub charges: Vec<Charge>,
}

/// A charge, and what was paid for it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Charge {
    pub charge_id: String,
    /// `open`; `pending` while a payment is under way; `paid`; `refunded` when all of it went back;
    /// `conflict` while an operator must decide; `annulled`.
    pub state: String,
    pub amount_tiyn: i64,
    /// The sum of `payments`.
    pub paid_tiyn: i64,
    /// What came for this charge and could not pay it, and was not given back.
    pub suspense_tiyn: i64,
    /// Who registered it.
    pub agency: String,
    /// Its number there.
    pub number: String,
    /// IIN or BIN of who is to pay.
    pub payer: Iin,
    pub payee_bin: Bin,
    /// The fee or duty that it was registered for.
    pub tariff: Option<String>,
    pub kbk: String,
    pub knp: String,
    pub kbe: String,
    pub iban: String,
    pub due_date: Option<Date>,
    pub purpose: Purpose,
    pub registered_at: DateTime,
    pub annulled_at: Option<DateTime>,
    /// The payments that count towards it.
    #[serde(default)]
    pub payments: Vec<Payment>,
}

/// A payment through a bank, to be made for a charge.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentCreate {
    pub charge_id: String,
    /// Which bank is to take the money; default: the only one.
    pub bank: Option<String>,
    /// IIN or BIN of who pays; default: who is to pay the charge.
    pub payer: Option<Iin>,
    /// Seconds after which the payment is given up if no bank was asked; default 900.
    #[schemars(range(min = 60, max = 86_400))]
    pub expires_in_s: Option<i64>,
}

/// Names one payment or refund.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentName {
    pub payment_id: String,
}

/// A payment, or with `reverses` a refund, or a return that its bank made by itself.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    pub payment_id: String,
    pub charge_id: Option<String>,
    /// The payment that this refund or return gives back.
    pub reverses: Option<String>,
    /// The payment without a charge whose money an operator led here.
    pub takes: Option<String>,
    /// `reserved`, `submitting`, `submitted`, `unknown`, `accepted`, `posted`, `settled`, `rejected`,
    /// `cancelled`, `expired` or `conflict`.
    pub state: String,
    /// Whose the money is: `expected` by the payee, `payable` to it, or in `suspense`.
    pub claim: Option<String>,
    pub amount_tiyn: i64,
    /// What went back of it, is on its way, or was led to another charge.
    pub returned_tiyn: i64,
    pub bank: String,
    /// IIN or BIN of who pays.
    pub payer: Iin,
    /// The same at every attempt (ISO 20022 EndToEndId).
    pub end_to_end_id: String,
    /// The bank's own id.
    pub txn_id: Option<String>,
    /// The bank's receipt number.
    pub document_number: Option<String>,
    pub opened_at: DateTime,
    /// The bank's time.
    pub posted_at: Option<DateTime>,
    /// The bank's operating day that it is counted in.
    pub operating_day: Option<Date>,
    /// Where the payer goes on to pay by card, while it is not paid; the bank says so after it was asked.
    pub redirect_url: Option<String>,
    /// Why it is as it is, where somebody said so.
    pub reason: Option<String>,
}

/// Payments of one charge, also those that do not count towards it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payments {
    #[serde(default)]
    pub payments: Vec<Payment>,
}

/// Money is to go back to the payer, all of a payment or a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    pub payment_id: String,
    #[schemars(range(min = 1))]
    pub amount_tiyn: i64,
    pub reason: String,
}

/// Asks for the receipt of a payment.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptAsk {
    pub payment_id: String,
    /// `kk`, `ru` or `en`: a page for printing in this language too.
    pub page: Option<String>,
}

/// The receipt of a payment.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// 26 letters and digits; the last one checks the others.
    pub number: String,
    /// `paid`, `partly_returned`, `returned` or `unassigned`.
    pub state: String,
    /// The receipt itself, signed: a compact JWS (RFC 7515) of its JSON, the certificate in `x5c`.
    pub signed: String,
    /// Where anybody looks it up.
    pub look_up_url: Option<String>,
    /// HTML that needs nothing but itself.
    pub page: Option<String>,
}

/// An operator looks for paid fees and duties that were used for nothing yet.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyFind {
    /// IIN or BIN of whose duty it was.
    pub payer: Iin,
    /// A fee or duty of the tariff table.
    pub tariff: String,
    /// BIN of who must have been paid; default: whoever the charge names.
    pub payee_bin: Option<Bin>,
}

/// A paid fee or duty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Duty {
    /// The receipt's number.
    pub receipt: String,
    pub payment_id: String,
    pub tariff: String,
    pub amount_tiyn: i64,
    /// The bank's time.
    pub paid_at: DateTime,
}

/// Paid fees and duties, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Duties {
    #[serde(default)]
    pub duties: Vec<Duty>,
}

/// An operator takes a paid fee or duty as the proof for one service; it is used once.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyUse {
    /// The receipt's number.
    pub receipt: String,
    /// IIN or BIN of whose duty it was.
    pub payer: Iin,
    /// A fee or duty of the tariff table.
    pub tariff: String,
    /// BIN of who must have been paid; default: whoever the charge names.
    pub payee_bin: Option<Bin>,
}

/// A bank asks whether a charge can be paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BankCheck {
    /// The bank's id in this installation.
    pub bank: String,
    pub txn_id: String,
    /// The charge's id.
    pub account: String,
}

/// A bank says that it has taken money for a charge.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BankPay {
    /// The bank's id in this installation.
    pub bank: String,
    /// The bank's id of the payment: the same at every repetition.
    pub txn_id: String,
    /// The charge's id.
    pub account: String,
    #[schemars(range(min = 1))]
    pub amount_tiyn: i64,
    /// The bank's time, without a zone by the country's; default: when it arrives.
    pub paid_at: Option<String>,
    pub document_number: Option<String>,
    /// IIN or BIN of who really paid; default: the charge's payer.
    pub payer: Option<Iin>,
    /// BIN of who is paid, where the bank tells it: another than the charge's is refused, and so are
    /// the next two.
    pub payee_bin: Option<Bin>,
    pub iban: Option<String>,
    /// Budget classification code (КБК).
    pub kbk: Option<String>,
}

/// A bank says what became of orders of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BankNotice {
    /// The bank's id in this installation.
    pub bank: String,
    #[schemars(length(min = 1, max = 1000))]
    pub notices: Vec<Notice>,
}

/// One word of a bank about an order, which one of `end_to_end_id` and `about_txn_id` names.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Unique at the bank: the same event again changes nothing.
    pub event_id: String,
    pub end_to_end_id: Option<String>,
    pub about_txn_id: Option<String>,
    /// `accepted`, `posted`, `settled`, `rejected`, `not_found`, `pending`; `returned`, it took its
    /// booking back, `credited`, it booked so much to the payer under this order's id, or `refunded`, so much
    /// went back, by itself or by a refund of ours, which it does not say.
    pub said: String,
    /// Demanded of what went back.
    pub amount_tiyn: Option<i64>,
    pub document_number: Option<String>,
    pub txn_id: Option<String>,
    pub posted_at: Option<String>,
    pub note: Option<String>,
}

/// What a bank is told, to be written in its dialect.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BankTold {
    /// `ok`, `in_progress`, `temporary`, `no_charge`, `annulled`, `already_paid`, `other_terms`,
    /// `malformed` or `forbidden`.
    pub verdict: String,
    pub txn_id: String,
    pub end_to_end_id: Option<String>,
    pub amount_tiyn: Option<i64>,
    pub payee_bin: Option<Bin>,
    pub purpose: Option<String>,
    pub comment: String,
}

/// Why nothing was done.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// One of a closed list, such as `charge_held`.
    pub reason: String,
    /// The field that is to blame, as a JSON pointer without its first slash.
    pub field: Option<String>,
}

/// The `data` of an answer that refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    pub refusal: Refusal,
}

/// The word of a unit variant, such as `already_paid`.
#[must_use]
pub fn word_of<T: Serialize>(value: &T) -> String {
    let word = serde_json::to_value(value).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// The unit variant of a word; `None` for a word that is none of its.
#[must_use]
pub fn from_word<'w, T: Deserialize<'w>>(word: &'w str) -> Option<T> {
    let word: StrDeserializer<'w, serde::de::value::Error> = word.into_deserializer();
    T::deserialize(word).ok()
}
