//! The payment gateway (ПШЭП) by a simulated profile of ours: requisites, registration, confirmation, receipt, annulment.
//!
//! No document of its own is public; `adapter.toml` says what that means. The caller's own envelope goes
//! out and the answer comes back, as with any agency of SyncChannel.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{
    Adapter, Call, Content, DataXml, Json, JsonCall, JsonSchema, Outgoing, Reply, Simulator,
};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::{Manifest, ManifestError, not_offered};
use qaqpa_kit::payload;
use qaqpa_kit::wire::{from_json, inside, schema_of_answer, schema_of_request, to_example};
use qaqpa_kit::xml::Element;
use serde::Serialize;
use serde::de::DeserializeOwned;
use simulator::PaymentGateway;
use wire::{
    AnnulRequest, Answer, Checked, ConfirmRequest, ReceiptRequest, RegisterRequest,
    RequisitesRequest, Verdict,
};

/// The translation for the payment gateway.
pub struct Pshep {
    manifest: Manifest,
}

impl Pshep {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for Pshep {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        let checked = self.manifest.offered(call.service, Phase::Encode)?.check_digits;
        match call.service {
            wire::REQUISITES => check::<RequisitesRequest>(call, checked)?,
            wire::REGISTER => check::<RegisterRequest>(call, checked)?,
            wire::CONFIRM => check::<ConfirmRequest>(call, checked)?,
            wire::RECEIPT => check::<ReceiptRequest>(call, checked)?,
            wire::ANNUL => check::<AnnulRequest>(call, checked)?,
            _ => return Err(not_offered(Phase::Encode)),
        }
        Ok(Outgoing::Envelope)
    }

    fn decode(
        &self,
        call: &Call<'_>,
        answer: &qaqpa_kit::adapter::Answer<'_>,
    ) -> Result<Reply, Fault> {
        let service = self.manifest.offered(call.service, Phase::Decode)?;
        let outcome = payload::outcome(service, answer, Verdict::code)?;
        Ok(Reply { outcome, content: Content::AsReceived })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&PaymentGateway)
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

fn check<T: Checked + DeserializeOwned>(call: &Call<'_>, checked: bool) -> Result<(), Fault> {
    let request: T = payload::of_call(call, |_| true)?;
    let refused = |reason| Fault::new(Code::CallerMalformed, Phase::Encode, reason);
    request.check(checked).map_err(refused)
}

/// The inside of `data` for a JSON body.
fn written<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<String, Fault> {
    Ok(inside(&from_json::<T>(body)?)?)
}

impl Json for Pshep {
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        self.manifest.offered(call.service, Phase::Receive)?;
        let inside = match call.service {
            wire::REQUISITES => written::<RequisitesRequest>(call.body)?,
            wire::REGISTER => written::<RegisterRequest>(call.body)?,
            wire::CONFIRM => written::<ConfirmRequest>(call.body)?,
            wire::RECEIPT => written::<ReceiptRequest>(call.body)?,
            wire::ANNUL => written::<AnnulRequest>(call.body)?,
            _ => return Err(not_offered(Phase::Receive)),
        };
        Ok(DataXml { attributes: String::new(), inside })
    }

    fn answer(&self, service: &str, data: Element<'_>) -> Result<Vec<u8>, Fault> {
        self.manifest.offered(service, Phase::Decode)?;
        payload::json_of_answer(data, |answer: &Answer| answer.result.is_some())
    }

    fn schema(&self, service: &str) -> Option<JsonSchema> {
        self.manifest.service(service)?;
        let request = match service {
            wire::REQUISITES => schema_of_request::<RequisitesRequest>(),
            wire::REGISTER => schema_of_request::<RegisterRequest>(),
            wire::CONFIRM => schema_of_request::<ConfirmRequest>(),
            wire::RECEIPT => schema_of_request::<ReceiptRequest>(),
            wire::ANNUL => schema_of_request::<AnnulRequest>(),
            _ => return None,
        };
        let (request_example, answer) = simulator::example(service)?;
        Some(JsonSchema {
            request,
            answer: schema_of_answer::<Answer>(),
            request_example,
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
        let adapter = Pshep::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/pshep/samples"))
    }

    #[test]
    fn the_profile_says_of_itself_that_it_is_simulated() {
        let adapter = Pshep::new().expect("manifest");
        assert!(adapter.manifest().name.en.contains("simulated profile"));
    }
}
