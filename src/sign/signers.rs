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
    /// where we have one, or at least one of the country's own where its was; else the first. Clients
    /// choose their algorithm by the certificate they see.
    #[must_use]
    pub fn answer(&self, caller: Option<Family>) -> &Signer {
        let wanted = match self.policy {
            AnswerSignature::AsCaller => caller,
            AnswerSignature::Rsa => Some(Family::Rsa),
            AnswerSignature::Ecdsa => Some(Family::Ecdsa),
            AnswerSignature::Gost => Some(Family::Gost2015x512),
        };
        self.all()
            .find(|signer| Some(signer.family()) == wanted)
            .or_else(|| {
                let is_gost = wanted.is_some_and(Family::is_gost);
                self.all().find(|signer| is_gost && signer.family().is_gost())
            })
            .unwrap_or(&self.first)
    }

    /// The key for a document that anyone may read with common software: a JWS has no name for ГОСТ.
    /// By a short key where there is one, because it is printed and sent around.
    #[must_use]
    pub fn document(&self) -> &Signer {
        let of = |family| self.all().find(move |signer| signer.family() == family);
        of(Family::Ecdsa).or_else(|| of(Family::Rsa)).unwrap_or(&self.first)
    }

    fn all(&self) -> impl Iterator<Item = &Signer> {
        std::iter::once(&self.first).chain(&self.others)
    }
}
