//! Business signatures: who signed the document in `data`, and whether that is who had to sign it.
//!
//! The legal weight of a call lies here: the citizen's or the official's own signature, end to end. A
//! signature counts only for what it covers, and covers only what is processed: the document's root, or
//! all of its content.

pub mod collect;
pub mod demand;
pub mod enveloped;
pub mod root;
pub mod seal;

use super::algorithm::SignatureAlgorithm;
use super::certificate::Certificate;
use super::cms::Stamp;
use qaqpa_kit::manifest::SignatureForm;
use std::sync::Arc;

/// One business signature that is what its signer made; whether the signer is believed is another
/// question ([`super::Trust::judge`]).
#[derive(Clone, Debug)]
pub struct Signed {
    pub form: SignatureForm,
    pub certificate: Arc<Certificate>,
    pub algorithm: SignatureAlgorithm,
    /// Of a CMS: the `signature_field` it was found in and the `content_field` it was read over. It meets
    /// no demand of other fields, or those could stand unsigned.
    pub fields: Option<(String, String)>,
    /// What the signed fields named by a demand say, in the order of the demands.
    pub claims: Vec<Claim>,
    /// A timestamp over the signature; its authority is to be judged too.
    pub stamp: Option<Stamp>,
    /// Byte offset of the signature in its document.
    pub at: usize,
}

/// The signed fields that name the signer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// `None`: not asked for, or not there exactly once.
    pub iin: Option<String>,
    pub bin: Option<String>,
}
