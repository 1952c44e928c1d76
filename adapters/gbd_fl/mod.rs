//! ЖТ МДҚ, the state database of natural persons: who someone is, by IIN, by name or by document.
//!
//! It speaks SyncChannel, so the caller's own envelope goes out and the agency's comes back. The
//! adapter refuses what the agency would refuse, and reads the two codes that tell the outcome.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::{Adapter, Answer, Call, Content, Outgoing, Reply, Simulator};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::ids::Iin;
use qaqpa_kit::manifest::{Manifest, ManifestError};
use qaqpa_kit::payload;
use simulator::Persons;

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
        let request = payload::of_call(call, wire::Request::read)?;
        let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Encode, reason);
        match &request.iin {
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
        Some(&Persons)
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
