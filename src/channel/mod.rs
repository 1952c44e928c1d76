//! The faces to callers: each reads a call from its wire and writes a reply or a fault to it.

pub mod bank;
pub mod rest;
pub mod sync;

use qaqpa_kit::fault::Language;
use rest::resource::Resource;

/// What a caller speaks. It decides how a call is read and how answers and faults are written;
/// everything between is the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// SyncChannel v10.
    Sync,
    /// JSON over HTTP, with texts in the language that the caller prefers.
    Rest(Language),
    /// A charge or a payment at an address of its own.
    Resource(&'static Resource, Language),
    /// A bank's own dialect, below `/bank/`.
    Bank,
}

impl Face {
    /// The language that the caller prefers, where its face has a way to say so.
    #[must_use]
    pub const fn language(self) -> Option<Language> {
        match self {
            Self::Sync | Self::Bank => None,
            Self::Rest(language) | Self::Resource(_, language) => Some(language),
        }
    }

    /// `Content-Type` of an answer, or of a fault, on this face.
    #[must_use]
    pub const fn media_type(self, is_fault: bool) -> &'static str {
        match (self, is_fault) {
            (Self::Sync, _) => "text/xml; charset=utf-8",
            // A bank's media type is its dialect's.
            (Self::Rest(_) | Self::Resource(..) | Self::Bank, false) => rest::JSON,
            (Self::Rest(_) | Self::Resource(..) | Self::Bank, true) => rest::problem::PROBLEM_JSON,
        }
    }
}
