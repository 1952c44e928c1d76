//! The messages of ЖТ МДҚ: types `message`, `person`, `document` and `dictionaries` of `*.persistence.interactive.nat`.
//!
//! Elements are unqualified and come in the order of the XSD. Nothing in an answer is demanded: what the
//! agency leaves out is left out here, and what the XSD does not name stands in `more`. Where the XSD is
//! not public to the point, a field holds text or a dictionary's entry.

use qaqpa_kit::payload::said;
use qaqpa_kit::wire::{Date, DateTime, Flag, Iin, More, Unlisted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Attributes of a request's `data`: the agency's own clients name the type.
pub const REQUEST_ATTRIBUTES: &str = concat!(
    r#" xmlns:cs="http://message.persistence.interactive.nat""#,
    r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="cs:Request""#,
);

/// `Request`, the search keys: an IIN, or full name and birth date, or a document.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The caller's own id of the question; the XSD asks for it.
    pub message_id: Option<String>,
    /// When it was asked; the XSD asks for it.
    pub message_date: Option<DateTime>,
    /// The caller's code at the agency; the XSD asks for it.
    pub sender_code: Option<String>,
    pub iin: Option<Iin>,
    pub surname: Option<String>,
    pub name: Option<String>,
    pub patronymic: Option<String>,
    /// The two others bound it where it is not known.
    pub birth_date: Option<Date>,
    pub birth_date_from: Option<Date>,
    pub birth_date_to: Option<Date>,
    pub document_number: Option<String>,
    /// The person's consent (КДП), where the service asks for it.
    pub kdp_token: Option<String>,
    /// The key that the consent was signed with.
    pub public_key: Option<String>,
}

impl Request {
    /// Whether it holds a search key, so is a request.
    #[must_use]
    pub fn asks(&self) -> bool {
        said(self.iin.as_ref()).is_some()
            || said(self.surname.as_ref()).is_some()
            || said(self.birth_date.as_ref()).is_some()
            || said(self.document_number.as_ref()).is_some()
    }

    /// Whether it can find someone without an IIN: full name and birth date, or a document.
    #[must_use]
    pub fn is_search(&self) -> bool {
        let is_named = said(self.surname.as_ref()).is_some() && said(self.name.as_ref()).is_some();
        let is_dated = said(self.birth_date.as_ref()).is_some()
            || (said(self.birth_date_from.as_ref()).is_some()
                && said(self.birth_date_to.as_ref()).is_some());
        (is_named && is_dated) || said(self.document_number.as_ref()).is_some()
    }
}

/// The one part of a response that tells the outcome.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    message_result: Option<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: Option<String>,
}

impl Verdict {
    /// `messageResult/code`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        said(self.message_result.as_ref()?.code.as_ref())
    }
}

/// An entry of a dictionary: sender, result, gender, country …
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub code: Option<String>,
    pub name_ru: Option<String>,
    pub name_kz: Option<String>,
    pub change_date: Option<DateTime>,
    #[serde(flatten)]
    pub more: More,
}

impl Entry {
    /// An entry without a date.
    #[must_use]
    pub fn new(code: &str, name_ru: &str, name_kz: &str) -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self { code: text(code), name_ru: text(name_ru), name_kz: text(name_kz), ..Self::default() }
    }
}

/// `Response`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    pub message_id: Option<String>,
    pub message_date: Option<DateTime>,
    /// `messageId` of the request.
    pub request_id: Option<String>,
    pub sender: Option<Entry>,
    /// `senderCode` of the request.
    pub receiver: Option<Entry>,
    /// How it ended: 00000 is found.
    pub message_result: Option<Entry>,
    pub persons: Option<Persons>,
    #[serde(flatten)]
    pub more: More,
}

impl Response {
    /// Whether the element is one.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.message_result.is_some() || self.persons.is_some()
    }
}

/// Everyone who was found.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Persons {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub person: Vec<Person>,
    #[serde(flatten)]
    pub more: More,
}

/// `Person`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub iin: Option<Iin>,
    pub surname: Option<String>,
    pub name: Option<String>,
    pub patronymic: Option<String>,
    pub eng_first_name: Option<String>,
    pub eng_surname: Option<String>,
    pub birth_date: Option<Date>,
    pub death_date: Option<Date>,
    pub gender: Option<Entry>,
    pub nationality: Option<Entry>,
    pub citizenship: Option<Entry>,
    /// 0 is the usual one: alive, nothing special.
    pub life_status: Option<Entry>,
    pub imprisoned_status: Option<ImprisonedStatus>,
    pub birth_certificate: Option<Certificate>,
    pub death_certificate: Option<Certificate>,
    pub birth_place: Option<BirthPlace>,
    pub reg_address: Option<Address>,
    pub person_capable_status: Option<CapableStatus>,
    pub missing_status: Option<MissingStatus>,
    pub disappear_status: Option<DisappearStatus>,
    pub exclude_status: Option<ExcludeStatus>,
    pub repatriation_status: Option<RepatriationStatus>,
    pub documents: Option<Documents>,
    pub addresses: Option<Addresses>,
    /// The record was taken out of the register.
    pub removed: Option<Flag>,
    #[serde(flatten)]
    pub more: More,
}

/// Imprisonment.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImprisonedStatus {
    pub imprisoned_status: Option<Unlisted>,
    pub imprisoned_begin_date: Option<Date>,
    pub imprisoned_end_date: Option<Date>,
    #[serde(flatten)]
    pub more: More,
}

/// A certificate of birth or death.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    pub number: Option<String>,
    pub begin_date: Option<Date>,
    pub issue_organisation: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// A place abroad.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForeignData {
    pub district_name: Option<String>,
    pub region_name: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// Where someone was born.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BirthPlace {
    pub country: Option<Entry>,
    pub district: Option<Entry>,
    pub region: Option<Entry>,
    pub foreign_data: Option<ForeignData>,
    pub city: Option<String>,
    /// Code of the territorial unit in the register of addresses.
    #[serde(rename = "birthTeCodeAR")]
    pub birth_te_code_ar: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// An address: `regAddress`, where someone is registered, or one of `addresses`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// In `addresses` alone.
    #[serde(rename = "type")]
    pub kind: Option<Entry>,
    pub country: Option<Entry>,
    pub district: Option<Entry>,
    pub region: Option<Entry>,
    pub foreign_data: Option<ForeignData>,
    pub city: Option<String>,
    pub street: Option<String>,
    pub building: Option<String>,
    pub corpus: Option<String>,
    pub flat: Option<String>,
    pub begin_date: Option<Date>,
    pub end_date: Option<Date>,
    /// In `regAddress` alone.
    pub status: Option<Unlisted>,
    /// In `regAddress` alone.
    pub invalidity: Option<Unlisted>,
    /// The registration code (РКА).
    pub ar_code: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// What a court found of someone's capacity.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapableStatus {
    pub capable_status: Option<Unlisted>,
    pub capable_date: Option<Date>,
    pub capable_end_date: Option<Date>,
    pub capable_number: Option<String>,
    pub court: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// Declared missing.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingStatus {
    pub missing: Option<Unlisted>,
    pub missing_date: Option<Date>,
    pub missing_end_date: Option<Date>,
    pub missing_number: Option<String>,
    pub gp_territorial: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// Searched for as disappeared.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisappearStatus {
    pub disappear: Option<Unlisted>,
    pub disappear_date: Option<Date>,
    pub disappear_end_date: Option<Date>,
    pub disappear_number: Option<String>,
    pub gp_territorial: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// Taken out of the register, and why.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExcludeStatus {
    pub exclude_reason: Option<Unlisted>,
    pub exclude_reason_date: Option<Date>,
    pub exclude_date: Option<Date>,
    pub exclude_participant: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// Came back to the country of their forebears (қандас).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepatriationStatus {
    pub repatriation_status: Option<Unlisted>,
    pub repatriation_date: Option<Date>,
    pub repatriation_end_date: Option<Date>,
    pub repatriation_number: Option<String>,
    pub repatriation_org: Option<Unlisted>,
    pub repatriation_reason: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// A person's documents.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Documents {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub document: Vec<Document>,
    #[serde(flatten)]
    pub more: More,
}

/// An identity document.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// 002 is the identity card, 001 the passport.
    #[serde(rename = "type")]
    pub kind: Option<Entry>,
    pub number: Option<String>,
    pub series: Option<String>,
    pub begin_date: Option<Date>,
    pub end_date: Option<Date>,
    pub issue_organization: Option<Entry>,
    /// 00 is valid.
    pub status: Option<Entry>,
    pub invalidity_date: Option<Date>,
    pub surname: Option<String>,
    pub name: Option<String>,
    pub patronymic: Option<String>,
    pub birth_date: Option<Date>,
    #[serde(flatten)]
    pub more: More,
}

/// A person's addresses.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addresses {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<Address>,
    #[serde(flatten)]
    pub more: More,
}
