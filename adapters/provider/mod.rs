//! A bank that checks and pays in Kaspi's manner: `GET …/provider?command=check|pay`, JSON or XML back.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::bank::{Ask, Asked, Asker, BankAnswer, Provider, Told, Verdict, biller};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::{Manifest, ManifestError};
use qaqpa_kit::query::Query;
use simulator::Bank;
use wire::Answer;

/// What stands after the bank's id in the path.
pub const PATH: &str = "provider";

/// The dialect.
pub struct CheckPay {
    manifest: Manifest,
}

impl CheckPay {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for CheckPay {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn provider(&self) -> Option<&dyn Provider> {
        Some(self)
    }
}

impl Provider for CheckPay {
    fn read(&self, asked: &Asked<'_>) -> Result<Ask, Fault> {
        if asked.path != PATH {
            return Err(Fault::new(Code::CallerMalformed, Phase::Receive, "path_unknown"));
        }
        biller::read(asked)
    }

    fn write(&self, asked: &Asked<'_>, told: &Told) -> BankAnswer {
        let mut answer = Answer::of(told, biller::is_pay(asked));
        if answer.txn_id.is_empty() {
            answer.txn_id = biller::txn_id(asked);
        }
        // Whatever is refused in the dialect is an answer; only who may not ask hears of HTTP.
        let status = if told.verdict == Verdict::Forbidden { 403 } else { 200 };
        if wants_xml(asked) {
            let (content_type, body) = ("text/xml; charset=utf-8", answer.xml().into_bytes());
            return BankAnswer { status, content_type, body };
        }
        // A struct of texts always serialises; were it not so, the bank would ask again.
        let body = serde_json::to_vec(&answer).unwrap_or_default();
        BankAnswer { status, content_type: "application/json", body }
    }

    fn is_in_body(&self) -> bool {
        false
    }

    fn own_ids(&self) -> &'static [&'static str] {
        biller::OWN_IDS
    }

    fn asker(&self) -> Option<&dyn Asker> {
        Some(&Bank)
    }
}

/// `format` decides; without it, whichever of the two stands first in `Accept`; else JSON.
fn wants_xml(asked: &Asked<'_>) -> bool {
    let query = Query::read(asked.query).ok();
    match query.as_ref().and_then(|query| query.value("format")) {
        Some(format) => format.eq_ignore_ascii_case("xml"),
        None => {
            let ranges = asked.accept.unwrap_or_default().split(',');
            let mut kinds = ranges.filter_map(|range| range.split(';').next());
            let known = kinds.find(|kind| kind.contains("json") || kind.contains("xml"));
            known.is_some_and(|kind| kind.contains("xml"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::bank::Placement;
    use qaqpa_kit::samples::{self, Failures};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = CheckPay::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/provider/samples"))
    }

    #[test]
    fn xml_is_written_for_who_asks_for_it_and_json_for_everybody_else() {
        for (query, accept, is_xml) in [
            ("", None, false),
            ("", Some("*/*"), false),
            ("", Some("application/json, application/xml"), false),
            ("", Some("text/xml;q=0.9, application/json;q=0.1"), true),
            ("format=xml", Some("application/json"), true),
            ("format=json", Some("text/xml"), false),
            ("a=1&a=1", Some("text/xml"), true),
        ] {
            let asked = Asked {
                method: "GET",
                path: PATH,
                query,
                content_type: None,
                accept,
                placement: Placement::usual(),
                body: b"",
            };
            assert_eq!(wants_xml(&asked), is_xml, "{query} {accept:?}");
        }
    }
}
