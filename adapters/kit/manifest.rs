//! `adapter.toml`: what is true of an agency everywhere, as against one installation.

mod signature;

pub use signature::{Role, SignatureDemand, SignatureForm, SignedMessage};

use crate::fault::{Code, Fault, Language, Outcome, Phase};
use crate::redact;
use crate::register::Columns;
use serde::Deserialize;

/// What is wrong with an `adapter.toml`, with its place.
pub use toml::de::Error as ManifestError;

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
    /// The services that the agency offers; none where it is a bank and nothing else.
    #[serde(rename = "service", default)]
    pub services: Vec<ServiceManifest>,
    /// How a bank writes its register where it has columns of its own.
    #[serde(default)]
    pub register: Option<Columns>,
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
    /// The agency itself does it once for a call's name and gives the first answer again: so a call
    /// left unclear may be asked again, and its answer is durable before it is told.
    #[serde(default)]
    pub once: bool,
    /// Whether a REST call must bear an `Idempotency-Key`; default: where it is not idempotent.
    #[serde(default)]
    pub key_required: Option<bool>,
    #[serde(default)]
    pub message_id: MessageId,
    /// Seconds for which the same call gets the stored answer (default 600).
    #[serde(default = "window_s")]
    pub window_s: u32,
    /// IIN and BIN in requests must have the right check digit (default); off, any twelve digits pass.
    #[serde(default = "yes")]
    pub check_digits: bool,
    /// The business signatures that its messages must bear; a message without them is not delivered.
    #[serde(default, rename = "signature")]
    pub signatures: Vec<SignatureDemand>,
    /// Codes that mean Done: status codes, and the agency's own result codes inside its answer.
    pub done_codes: Vec<String>,
    /// Codes that mean Refused, fault codes among them; a code in neither list is Unknown.
    pub refused_codes: Vec<String>,
}

const fn window_s() -> u32 {
    600
}

const fn yes() -> bool {
    true
}

impl Manifest {
    /// Reads an `adapter.toml`.
    ///
    /// # Errors
    /// The first key that is missing, unknown or of the wrong type, with its place.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        toml::from_str(text)
    }

    /// The service of that id.
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&ServiceManifest> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The service that a call was routed to.
    ///
    /// # Errors
    /// `gateway.bug` when the agency offers no such service: the route is wrong.
    pub fn offered(&self, id: &str, phase: Phase) -> Result<&ServiceManifest, Fault> {
        self.service(id).ok_or(not_offered(phase))
    }
}

/// The fault of a call that was routed to an agency without that service.
#[must_use]
pub const fn not_offered(phase: Phase) -> Fault {
    Fault::new(Code::GatewayBug, phase, "service_not_offered")
}

impl ServiceManifest {
    /// Whether doing it twice would do harm if both the gateway and the agency had forgotten the
    /// first time.
    #[must_use]
    pub const fn is_harmful_twice(&self) -> bool {
        !self.idempotent || self.once
    }

    /// Whether a REST call must bear an `Idempotency-Key`.
    #[must_use]
    pub fn demands_key(&self) -> bool {
        self.key_required.unwrap_or(!self.idempotent)
    }

    /// What a code of the agency means.
    ///
    /// # Errors
    /// `agency.unlisted_code` when it is in neither list, or in both: only evidence decides.
    pub fn outcome(&self, code: &str) -> Result<Outcome, Fault> {
        let is_in = |codes: &[String]| codes.iter().any(|listed| listed == code);
        match (is_in(&self.done_codes), is_in(&self.refused_codes)) {
            (true, false) => Ok(Outcome::Done),
            (false, true) => Ok(Outcome::Refused),
            _ => Err(unlisted_code(code)),
        }
    }

    /// What an HTTP status of the agency means: no listed code means every 2xx, and only a 4xx can be a
    /// refusal.
    ///
    /// # Errors
    /// `agency.unlisted_code` for every status that nobody agreed on: only evidence decides.
    pub fn status_outcome(&self, status: u16) -> Result<Outcome, Fault> {
        let code = status.to_string();
        match status {
            200..=299 if self.done_codes.is_empty() => Ok(Outcome::Done),
            200..=299 => self.outcome(&code),
            400..=499 => self.refusal(&code),
            _ => Err(unlisted_code(&code)),
        }
    }

    /// What a code means where the agency refuses, such as the `errorCode` of its SOAP fault: a code
    /// listed as Done cannot make a refusal Done.
    ///
    /// # Errors
    /// `agency.unlisted_code` when it is not among the refused codes.
    pub fn refusal(&self, code: &str) -> Result<Outcome, Fault> {
        match self.outcome(code)? {
            Outcome::Refused => Ok(Outcome::Refused),
            _ => Err(unlisted_code(code)),
        }
    }
}

/// The fault of a code that the manifest does not list; the log sees its start, ids masked.
#[must_use]
pub fn unlisted_code(code: &str) -> Fault {
    const CODE_CHARS_MAX: usize = 64;
    let shown: String = redact::ids(code).chars().take(CODE_CHARS_MAX).collect();
    Fault::new(Code::AgencyUnlistedCode, Phase::Decode, "unlisted_code")
        .because(format_args!("code {shown:?} is not listed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
        id = "demo"
        name = { kk = "Демо", ru = "Демо", en = "Demo" }
        wire = "rest"
        [[service]]
        id = "Demo"
        name = { kk = "Демо", ru = "Демо", en = "Demo" }
        done_codes = ["200", "both"]
        refused_codes = ["404", "both"]
    "#;

    #[test]
    fn what_is_left_out_is_the_careful_choice() {
        let manifest = Manifest::parse(SMALLEST).expect("valid");
        let service = manifest.service("Demo").expect("listed");
        assert!(!service.idempotent && service.check_digits && service.demands_key());
        assert_eq!((service.window_s, service.message_id), (600, MessageId::Reused));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name() {
        let text = SMALLEST.replace("wire", "wyre");
        let error = Manifest::parse(&text).expect_err("unknown key");
        assert!(error.to_string().contains("wyre"), "{error}");
    }

    #[test]
    fn only_a_listed_code_decides() {
        let manifest = Manifest::parse(SMALLEST).expect("valid");
        let service = manifest.service("Demo").expect("listed");
        assert_eq!(service.outcome("200"), Ok(Outcome::Done));
        assert_eq!(service.outcome("404"), Ok(Outcome::Refused));
        assert_eq!(service.refusal("404"), Ok(Outcome::Refused));
        for code in ["", "500", "both", "2000"] {
            let fault = service.outcome(code).expect_err(code);
            assert_eq!((fault.code, fault.outcome()), (Code::AgencyUnlistedCode, Outcome::Unknown));
        }
        assert!(service.refusal("200").is_err(), "a fault is never Done");
    }

    #[test]
    fn a_code_that_is_really_an_iin_is_masked_and_cut_in_the_log() {
        let manifest = Manifest::parse(SMALLEST).expect("valid");
        let service = manifest.service("Demo").expect("listed");
        let fault = service.outcome(&format!("850312300121{}", "x".repeat(999))).expect_err("long");
        let cause = fault.cause.expect("cause");
        assert!(cause.contains("8503****0121") && cause.len() < 120, "{cause}");
    }

    #[test]
    fn a_call_routed_to_a_service_not_offered_is_our_own_bug() {
        let manifest = Manifest::parse(SMALLEST).expect("valid");
        let fault = manifest.offered("Other", Phase::Encode).expect_err("not offered");
        assert_eq!(fault.code, Code::GatewayBug);
    }
}
