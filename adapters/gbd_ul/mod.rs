//! ЗТ МДҚ, the state database of legal entities: what an organisation is, by BIN.
//!
//! Its request is a document of its own, signed by the caller and written into `data` as text, so that
//! no gateway on the way can touch it. It goes on as it came; only the BIN in it is looked at.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, Content, DataXml, Json, JsonCall, JsonSchema, Outgoing, Reply, Simulator,
};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::ids::Bin;
use qaqpa_kit::manifest::{Manifest, ManifestError};
use qaqpa_kit::payload::{self, said};
use qaqpa_kit::wire::{from_json, schema_of_answer, schema_of_request, to_example};
use qaqpa_kit::xml::writer::push_text;
use qaqpa_kit::xml::{Document, Element, Limits};
use simulator::Organizations;
use wire::{Request, Response, Verdict};

/// The translation for ЗТ МДҚ.
pub struct GbdUl {
    manifest: Manifest,
}

impl GbdUl {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for GbdUl {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        let service = self.manifest.offered(call.service, Phase::Encode)?;
        let request: Request = payload::of_call(call, Request::asks)?;
        let bin = said(request.bin.as_ref()).unwrap_or_default();
        Bin::parse(bin, service.check_digits)
            .map_err(|error| Fault::new(Code::CallerMalformed, Phase::Encode, error.reason()))?;
        Ok(Outgoing::Envelope)
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let service = self.manifest.offered(call.service, Phase::Decode)?;
        let outcome = payload::outcome(service, answer, Verdict::code)?;
        Ok(Reply { outcome, content: Content::AsReceived })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&Organizations)
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

impl Json for GbdUl {
    /// The agency reads a document written as text. Who must sign it brings it signed.
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        self.manifest.offered(call.service, Phase::Receive)?;
        let request: Request = from_json(call.body)?;
        let document = match &request {
            Request { bin: None, requestor_bin: None, signed_request: Some(signed) } => {
                checked(signed)?.to_owned()
            }
            Request { signed_request: None, .. } => wire::document("Request", &request)?,
            _ => return Err(malformed("signed_request_and_fields")),
        };
        let mut text = String::new();
        push_text(&mut text, &document);
        Ok(DataXml { attributes: String::new(), inside: text })
    }

    fn answer(&self, service: &str, data: Element<'_>) -> Result<Vec<u8>, Fault> {
        self.manifest.offered(service, Phase::Decode)?;
        payload::json_of_answer(data, Response::is_told)
    }

    fn schema(&self, service: &str) -> Option<JsonSchema> {
        self.manifest.service(service)?;
        let (request, answer) = simulator::example();
        Some(JsonSchema {
            request: schema_of_request::<Request>(),
            answer: schema_of_answer::<Response>(),
            request_example: to_example(&request),
            answer_example: to_example(&answer),
        })
    }
}

/// A caller's own document, if it is one.
fn checked(signed: &str) -> Result<&str, Fault> {
    let scanned = Document::scan(signed.as_bytes(), &Limits::default());
    scanned
        .map(|_| signed)
        .map_err(|error| malformed("signed_request_not_xml").because(error.reason))
}

const fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::samples::{self, Failures};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = GbdUl::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/gbd_ul/samples"))
    }
}
