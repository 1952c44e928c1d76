//! `adapter.toml`: what is true of an agency everywhere, as against one installation.

use crate::fault::Language;
use serde::Deserialize;

/// A name in the three languages of the country's gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    pub kk: String,
    pub ru: String,
    pub en: String,
}

impl Name {
    /// The name in one language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Kk => &self.kk,
            Language::Ru => &self.ru,
            Language::En => &self.en,
        }
    }
}

/// The wire that an agency speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// SyncChannel v10 over SOAP 1.1.
    SyncV10,
    /// HTTP with JSON.
    Rest,
}

/// Whether one `messageId` may name two different calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageId {
    /// Live clients reuse it for every call; only equal content is the same call.
    #[default]
    Reused,
    /// Other content under the same id is refused as `caller.twin`.
    Unique,
}

/// Everything in `adapter.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The adapter's id = its folder's name.
    pub id: String,
    pub name: Name,
    pub wire: Wire,
    /// The services that the agency offers.
    #[serde(rename = "service")]
    pub services: Vec<ServiceManifest>,
}

/// One service of an agency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceManifest {
    /// `serviceId` in the registry of interactions, case-sensitive.
    pub id: String,
    pub name: Name,
    /// May be sent again after an unclear end, because asking twice changes nothing.
    #[serde(default)]
    pub idempotent: bool,
    #[serde(default)]
    pub message_id: MessageId,
    /// Seconds for which the same call gets the stored answer (default 600).
    #[serde(default = "window_s")]
    pub window_s: u32,
    /// Status codes that mean Done.
    pub done_codes: Vec<String>,
    /// Status codes (and fault codes) that mean Refused; any other code is Unknown.
    pub refused_codes: Vec<String>,
}

const fn window_s() -> u32 {
    600
}

impl Manifest {
    /// Reads an `adapter.toml`.
    ///
    /// # Errors
    /// The first key that is missing, unknown or of the wrong type, with its place.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The service of that id.
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&ServiceManifest> {
        self.services.iter().find(|service| service.id == id)
    }
}
