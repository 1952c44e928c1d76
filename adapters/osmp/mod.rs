//! Terminal networks and banks by the OSMP protocol: `GET …/osmp?command=check|pay`, XML back.

pub mod simulator;
pub mod wire;

use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::bank::{Ask, Asked, Asker, BankAnswer, Provider, Told, Verdict, biller};
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::manifest::{Manifest, ManifestError};
use simulator::Network;
use wire::Answer;

/// What stands after the bank's id in the path.
pub const PATH: &str = "osmp";

/// The dialect.
pub struct Osmp {
    manifest: Manifest,
}

impl Osmp {
    /// Reads the manifest.
    ///
    /// # Errors
    /// A fault in `adapter.toml`.
    pub fn new() -> Result<Self, ManifestError> {
        Ok(Self { manifest: Manifest::parse(include_str!("adapter.toml"))? })
    }
}

impl Adapter for Osmp {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn provider(&self) -> Option<&dyn Provider> {
        Some(self)
    }
}

impl Provider for Osmp {
    fn read(&self, asked: &Asked<'_>) -> Result<Ask, Fault> {
        if asked.path != PATH {
            return Err(Fault::new(Code::CallerMalformed, Phase::Receive, "path_unknown"));
        }
        biller::read(asked)
    }

    fn write(&self, asked: &Asked<'_>, told: &Told) -> BankAnswer {
        let mut answer = Answer::of(told);
        if answer.osmp_txn_id.is_empty() {
            answer.osmp_txn_id = biller::txn_id(asked);
        }
        // Whatever is refused in the dialect is an answer; only who may not ask hears of HTTP.
        let status = if told.verdict == Verdict::Forbidden { 403 } else { 200 };
        let body = answer.xml().into_bytes();
        BankAnswer { status, content_type: "text/xml; charset=utf-8", body }
    }

    fn is_in_body(&self) -> bool {
        false
    }

    fn own_ids(&self) -> &'static [&'static str] {
        biller::OWN_IDS
    }

    fn asker(&self) -> Option<&dyn Asker> {
        Some(&Network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::samples::{self, Failures};

    #[test]
    fn every_sample_is_translated_as_written() -> Result<(), Failures> {
        let adapter = Osmp::new().expect("manifest");
        samples::check(&adapter, concat!(env!("CARGO_MANIFEST_DIR"), "/osmp/samples"))
    }
}
