//! SignedInfo as we write it: one element by its id, exclusively canonicalized, and canonical itself.

use super::canonical::EXCLUSIVE;
use super::key::{KeyError, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa_kit::soap::DS;

/// SignedInfo and SignatureValue over the element with this id and digest, exclusively canonicalized.
///
/// # Errors
/// The key failed.
pub(super) fn signed(id: &str, digest: &[u8], signer: &Signer) -> Result<String, KeyError> {
    let algorithm = signer.algorithm();
    let signed_info = |declaration: &str| {
        format!(
            "<ds:SignedInfo{declaration}>\
             <ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\">\
             <ds:Transforms><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
             <ds:DigestValue>{}</ds:DigestValue>\
             </ds:Reference></ds:SignedInfo>",
            algorithm.uri(),
            algorithm.digest().uri(),
            STANDARD.encode(digest),
        )
    };
    // Written as above, the canonical form differs only by the declaration that its apex shows.
    let canonical = signed_info(&format!(" xmlns:ds=\"{DS}\""));
    let value = STANDARD.encode(signer.sign(canonical.as_bytes())?);
    Ok(format!("{}<ds:SignatureValue>{value}</ds:SignatureValue>", signed_info("")))
}
