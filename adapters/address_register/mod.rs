//! The register of addresses: what address a registration code (РКА) names, over HTTP with JSON.
//!
//! The caller speaks SyncChannel and the agency does not, so the adapter writes both: the request to
//! the agency, and the `data` of the answer to the caller.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, Content, DataXml, HttpAnswer, HttpOutgoing, Json, JsonCall, JsonSchema,
    Outgoing, Reply, Simulator, WrittenAnswer,
};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::{Manifest, ManifestError, unlisted_code};
use qaqpa_kit::payload;
use qaqpa_kit::wire::{
    from_json, inside, push_wrapped, schema_of_answer, schema_of_request, to_example,
};
use qaqpa_kit::xml::Element;
use serde::Deserialize;
use simulator::Addresses;
use wire::{Address, Refusal, Request};

/// The translation for the register of addresses.
pub struct AddressRegister {
    manifest: Manifest,
}

impl AddressRegister {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for AddressRegister {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        self.manifest.offered(call.service, Phase::Encode)?;
        let request: Request = payload::of_call(call, |found: &Request| !found.code().is_empty())?;
        if !request.is_valid() {
            return Err(Fault::new(Code::CallerMalformed, Phase::Encode, "rka_not_sixteen_digits"));
        }
        Ok(Outgoing::Http(HttpOutgoing {
            method: "GET",
            path: format!("/addresses/{}", request.code()),
            content_type: None,
            body: Vec::new(),
        }))
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let service = self.manifest.offered(call.service, Phase::Decode)?;
        let Answer::Http(answer) = answer else {
            return Err(Fault::new(Code::GatewayBug, Phase::Decode, "answer_not_http"));
        };
        match answer.status {
            200 => {
                let address: Address = read(answer)?;
                payload::of_call(call, |asked: &Request| asked.code() == address.rka)
                    .map_err(|_| broken("another_address"))?;
                let mut data = String::new();
                push_wrapped(&mut data, "address", "", &address)
                    .map_err(|error| broken(error.reason).because(error.cause()))?;
                let message = "Мекенжай табылды / Адрес найден";
                let content = WrittenAnswer::new("SCSS001", message, Some(data));
                Ok(Reply { outcome: service.outcome("200")?, content: Content::Written(content) })
            }
            404 | 422 => {
                let refusal: Refusal = read(answer)?;
                let status_code = if answer.status == 404 { "SCSE001" } else { "SCSE002" };
                let content = WrittenAnswer::new(status_code, &refusal.message, None);
                let outcome = service.refusal(&refusal.code)?;
                Ok(Reply { outcome, content: Content::Written(content) })
            }
            500..=599 => Err(broken("http_status_5xx").because(answer.status)),
            other => Err(unlisted_code(&other.to_string())),
        }
    }

    fn compares(&self) -> bool {
        true
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&Addresses)
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

impl Json for AddressRegister {
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        self.manifest.offered(call.service, Phase::Receive)?;
        let request: Request = from_json(call.body)?;
        Ok(DataXml { attributes: String::new(), inside: inside(&request)? })
    }

    fn answer(&self, service: &str, data: Element<'_>) -> Result<Vec<u8>, Fault> {
        self.manifest.offered(service, Phase::Decode)?;
        payload::json_of_answer(data, |_: &Address| true)
    }

    fn schema(&self, service: &str) -> Option<JsonSchema> {
        self.manifest.service(service)?;
        let (request, answer) = simulator::example();
        Some(JsonSchema {
            request: schema_of_request::<Request>(),
            answer: schema_of_answer::<Address>(),
            request_example: to_example(&request),
            answer_example: to_example(&answer),
        })
    }
}

/// Reads a JSON body. What serde says of a value may quote it, so only the place goes into the log.
fn read<'a, T: Deserialize<'a>>(answer: &HttpAnswer<'a>) -> Result<T, Fault> {
    serde_json::from_slice(answer.body).map_err(|error| {
        broken("json_unreadable").because(format_args!(
            "{:?} at {}:{}",
            error.classify(),
            error.line(),
            error.column()
        ))
    })
}

const fn broken(reason: &'static str) -> Fault {
    Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::fault::Outcome;
    use qaqpa_kit::samples::{self, Failures};
    use qaqpa_kit::xml::{Document, Limits};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = AddressRegister::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/address_register/samples"))
    }

    #[test]
    fn a_truncated_answer_is_unknown_wherever_it_ends() {
        let adapter = AddressRegister::new().expect("manifest");
        let source = b"<data><rka>0201300012345678</rka></data>";
        let document = Document::scan(source, &Limits::default()).expect("well-formed");
        let call = crate::trial::call("AR_AddressByRka", &document);
        let whole = serde_json::to_vec(&simulator::example().1).expect("JSON");
        for end in 0..=whole.len() {
            let answer = HttpAnswer { status: 200, content_type: None, body: &whole[..end] };
            let outcome = adapter
                .decode(&call, &Answer::Http(answer))
                .map_or_else(|fault| fault.outcome(), |reply| reply.outcome);
            let expected = if end == whole.len() { Outcome::Done } else { Outcome::Unknown };
            assert_eq!(outcome, expected, "{end} bytes");
        }
    }
}
