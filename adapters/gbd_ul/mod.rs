//! ЗТ МДҚ, the state database of legal entities: what an organisation is, by BIN.
//!
//! Its request is a document of its own, signed by the caller and written into `data` as text, so that
//! no gateway on the way can touch it. It goes on as it came; only the BIN in it is looked at.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{Adapter, Answer, Call, Content, Outgoing, Reply, Simulator};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::ids::Bin;
use qaqpa_kit::manifest::{Manifest, ManifestError};
use qaqpa_kit::payload;
use simulator::Organizations;

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
        let request = payload::of_call(call, wire::Request::read)?;
        Bin::parse(&request.bin, service.check_digits)
            .map_err(|error| Fault::new(Code::CallerMalformed, Phase::Encode, error.reason()))?;
        Ok(Outgoing::Envelope)
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let service = self.manifest.offered(call.service, Phase::Decode)?;
        let outcome = match answer {
            Answer::Envelope(envelope) => match service.outcome(envelope.status_code)? {
                Outcome::Done => {
                    service.outcome(&payload::of_answer(envelope.data, wire::result_code)?)?
                }
                refused => refused,
            },
            Answer::Fault(fault) => service.refusal(fault.error_code)?,
            Answer::Http(_) => {
                return Err(Fault::new(Code::GatewayBug, Phase::Decode, "answer_not_soap"));
            }
        };
        Ok(Reply { outcome, content: Content::AsReceived })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(&Organizations)
    }
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
