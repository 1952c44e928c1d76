//! ЖТ МДҚ, the state database of natural persons: who someone is, by IIN, by name or by document.
//!
//! It speaks SyncChannel, so the caller's own envelope goes out and the agency's comes back. The
//! adapter refuses what the agency would refuse, and reads the two codes that tell the outcome.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, Content, DataXml, Json, JsonCall, JsonSchema, Outgoing, Reply, Simulator,
};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::ids::Iin;
use qaqpa_kit::manifest::{Manifest, ManifestError};
use qaqpa_kit::payload::{self, said};
use qaqpa_kit::wire::{from_json, inside, schema_of_answer, schema_of_request, to_example};
use qaqpa_kit::xml::Element;
use simulator::Persons;
use wire::{Request, Response, Verdict};

/// The translation for ЖТ МДҚ.
pub struct GbdFl {
    manifest: Manifest,
}

impl GbdFl {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for GbdFl {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        let service = self.manifest.offered(call.service, Phase::Encode)?;
        let request: Request = payload::of_call(call, Request::asks)?;
        let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Encode, reason);
        match said(request.iin.as_ref()) {
            Some(iin) => {
                Iin::parse(iin, service.check_digits).map_err(|error| malformed(error.reason()))?;
            }
            None if request.is_search() => {}
            None => return Err(malformed("search_incomplete")),
        }
        Ok(Outgoing::Envelope)
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let service = self.manifest.offered(call.service, Phase::Decode)?;
        let outcome = payload::outcome(service, answer, Verdict::code)?;
        Ok(Reply { outcome, content: Content::AsReceived })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&Persons)
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

impl Json for GbdFl {
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        self.manifest.offered(call.service, Phase::Receive)?;
        let mut request: Request = from_json(call.body)?;
        // The XSD asks for both; a caller who speaks JSON need not know.
        request.message_id.get_or_insert_with(|| call.message_id.to_owned());
        request.message_date.get_or_insert_with(|| call.received_at.into());
        let attributes = wire::REQUEST_ATTRIBUTES.to_owned();
        Ok(DataXml { attributes, inside: inside(&request)? })
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

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::samples::{self, Failures};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = GbdFl::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/gbd_fl/samples"))
    }
}
