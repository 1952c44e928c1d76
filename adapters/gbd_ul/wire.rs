//! The messages of ЗТ МДҚ, service `GbdulInfoByBin_v2`, namespace `http://gbdulinfobybin_v2.egp.gbdul.tamur.kz`.
//!
//! Roots are qualified, what is in them is not, and comes in the order of the XSD. Nothing in an answer
//! is demanded: what the agency leaves out is left out here, and what is not named stands in `more`.

use qaqpa_kit::payload::said;
use qaqpa_kit::wire::{self, Bin, Date, Flag, Iin, More, Unlisted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Namespace of the roots.
pub const NAMESPACE: &str = "http://gbdulinfobybin_v2.egp.gbdul.tamur.kz";

/// `Request`: who asks, and about whom.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    #[serde(rename = "RequestorBIN")]
    pub requestor_bin: Option<Bin>,
    #[serde(rename = "BIN")]
    pub bin: Option<Bin>,
    /// Instead of the others, in JSON alone: the whole `Request` document, signed by the caller
    /// (enveloped XMLDSig), where the agency asks for the signature.
    #[serde(rename = "signedRequest")]
    pub signed_request: Option<String>,
}

impl Request {
    /// Whether it names a BIN, so is a request.
    #[must_use]
    pub fn asks(&self) -> bool {
        said(self.bin.as_ref()).is_some()
    }
}

/// The one part of a response that tells the outcome.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Verdict {
    status: Option<Code>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Code {
    code: Option<String>,
}

impl Verdict {
    /// `Status/Code`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        said(self.status.as_ref()?.code.as_ref())
    }
}

/// An entry of a directory: status, state of registration, way of creation …
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    pub code: Option<String>,
    pub name_ru: Option<String>,
    pub name_kz: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

impl Entry {
    /// An entry in two languages.
    #[must_use]
    pub fn new(code: &str, name_ru: &str, name_kz: &str) -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self { code: text(code), name_ru: text(name_ru), name_kz: text(name_kz), ..Self::default() }
    }
}

/// `responseDataType`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Response {
    /// How it ended: 002 is found.
    pub status: Option<Entry>,
    pub organization: Option<Organization>,
    #[serde(flatten)]
    pub more: More,
}

impl Response {
    /// Whether the element is one.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.status.is_some() || self.organization.is_some()
    }
}

/// `Organization`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Organization {
    #[serde(rename = "BIN")]
    pub bin: Option<Bin>,
    pub reg_status: Option<Entry>,
    pub registration_department: Option<Entry>,
    pub creation_method: Option<Entry>,
    /// With its zone, as the register writes it.
    pub registration_date: Option<Date>,
    pub registration_last_date: Option<Date>,
    pub full_name_ru: Option<String>,
    pub full_name_kz: Option<String>,
    pub full_name_en: Option<String>,
    pub short_name_ru: Option<String>,
    pub short_name_kz: Option<String>,
    pub short_name_en: Option<String>,
    pub org_form: Option<Entry>,
    pub form_of_law: Option<Entry>,
    pub fund_type: Option<Entry>,
    pub property_type: Option<Entry>,
    pub commerce_org: Option<Flag>,
    pub enterprise_subject: Option<Flag>,
    pub private_enterprise_type: Option<Entry>,
    pub affiliated: Option<Flag>,
    pub international: Option<Flag>,
    pub foreign_invest: Option<Flag>,
    pub one_citizen_ship: Option<Flag>,
    pub typical_charter: Option<Flag>,
    #[serde(rename = "branchesExistence")]
    pub branches_existence: Option<Flag>,
    pub liquidation: Option<Liquidation>,
    pub organization_leader: Option<Person>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<Activity>,
    pub address: Option<Address>,
    /// Founders that are organisations.
    #[serde(rename = "FoundersUL", default, skip_serializing_if = "Vec::is_empty")]
    pub founders_ul: Vec<Unlisted>,
    /// Founders that are persons.
    #[serde(rename = "FoundersFL", default, skip_serializing_if = "Vec::is_empty")]
    pub founders_fl: Vec<Unlisted>,
    pub founders_count: Option<String>,
    pub header_organization: Option<Unlisted>,
    pub stat_comm_info: Option<StatCommInfo>,
    #[serde(flatten)]
    pub more: More,
}

/// How an organisation ended.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Liquidation {
    pub liq_base: Option<Unlisted>,
    #[serde(rename = "reorgType")]
    pub reorg_type: Option<Unlisted>,
    /// Who took its rights and duties over.
    #[serde(rename = "binReceiver")]
    pub bin_receiver: Option<Bin>,
    #[serde(flatten)]
    pub more: More,
}

/// `PersonType`.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Person {
    #[serde(rename = "IIN")]
    pub iin: Option<Iin>,
    pub sur_name: Option<String>,
    pub name: Option<String>,
    pub middle_name: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// What an organisation does.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Activity {
    pub activity_name_ru: Option<String>,
    pub activity_name_kz: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// Where an organisation is registered.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Address {
    /// Its registration code in the register of addresses.
    #[serde(rename = "RKA")]
    pub rka: Option<String>,
    pub district_ru: Option<String>,
    pub region_ru: Option<String>,
    pub city_ru: Option<String>,
    pub street_ru: Option<String>,
    pub building_type: Option<Entry>,
    pub building_number: Option<String>,
    #[serde(flatten)]
    pub more: More,
}

/// What the bureau of statistics adds.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct StatCommInfo {
    pub address_fact: Option<Unlisted>,
    #[serde(flatten)]
    pub more: More,
}

/// A whole document of the agency's, its namespace declared in it.
///
/// # Errors
/// What XML cannot hold.
pub fn document<T: Serialize>(root: &str, content: &T) -> Result<String, wire::WireError> {
    let mut out = String::new();
    let declared = format!(" xmlns:g=\"{NAMESPACE}\"");
    wire::push_wrapped(&mut out, &format!("g:{root}"), &declared, content)?;
    Ok(out)
}
