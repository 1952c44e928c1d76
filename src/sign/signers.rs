//! The gateway's own keys, and which of them answers whom.

use super::algorithm::Family;
use super::key::Signer;
use crate::config::settings::AnswerSignature;

/// At least one key, in the order of the configuration.
#[derive(Debug)]
pub struct Signers {
    first: Signer,
    others: Vec<Signer>,
    policy: AnswerSignature,
}

impl Signers {
    /// Takes the keys in the order of the configuration; `None` without any.
    #[must_use]
    pub fn new(signers: impl IntoIterator<Item = Signer>, policy: AnswerSignature) -> Option<Self> {
        let mut signers = signers.into_iter();
        Some(Self { first: signers.next()?, others: signers.collect(), policy })
    }

    /// The key towards agencies: the first.
    #[must_use]
    pub const fn outgoing(&self) -> &Signer {
        &self.first
    }

    /// The key for an answer: by policy the family that the caller signed with, where it signed and
    /// where we have one; else the first. Clients choose their algorithm by the certificate they see.
    #[must_use]
    pub fn answer(&self, caller: Option<Family>) -> &Signer {
        let wanted = match self.policy {
            AnswerSignature::AsCaller => caller,
            AnswerSignature::Rsa => Some(Family::Rsa),
            AnswerSignature::Ecdsa => Some(Family::Ecdsa),
        };
        std::iter::once(&self.first)
            .chain(&self.others)
            .find(|signer| Some(signer.family()) == wanted)
            .unwrap_or(&self.first)
    }
}
