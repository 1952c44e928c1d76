//! The closed list of reasons for which a signature or its signer is refused.

use qaqpa_kit::fault::{Code, Fault, Phase};

/// Why a signature or a certificate is not accepted. The words help an honest sender and tell an attacker nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No `ds:Signature` in a `wsse:Security` header.
    SignatureMissing,
    /// A second `ds:Signature` in the header.
    SignatureCount,
    /// `SignedInfo`, `SignatureValue`, `KeyInfo` are not exactly there in this order.
    SignatureIncomplete,
    /// Not exactly one `SignedInfo` as the Signature's first child.
    SignedinfoCount,
    /// An element that the profile does not know, `ds:Object` among them.
    UnexpectedObject,
    /// A Manifest: its references are nobody's proof.
    ManifestForbidden,
    /// A canonicalization other than exclusive without comments, or a prefix list out of bounds.
    C14nForbidden,
    /// What is signed has no canonical form: a relative namespace URI (Canonical XML §1.3).
    C14nError,
    /// A signature or digest algorithm that is not on the allow-list.
    AlgForbidden,
    /// The algorithm belongs to another family than the certificate's key.
    AlgKeyMismatch,
    /// More than three references.
    ReferenceLimit,
    /// Two references to one element.
    DuplicateReference,
    /// A reference that leaves the document: URL, file, attachment.
    RemoteReferenceForbidden,
    /// A reference that is no `#NCName` or names nothing.
    RefUnresolved,
    /// A reference to something else than Body, Timestamp or token in their places.
    RefTargetNotBody,
    /// The value that a reference names stands more than once in the document.
    DuplicateId,
    /// An id attribute, or an element of the profile, in a foreign namespace.
    WrongNamespace,
    /// Anything but one exclusive canonicalization as transform.
    TransformForbidden,
    /// No reference covers the Body.
    BodyNotSigned,
    /// An element, comment, instruction or CDATA section inside a signature, digest or token value.
    UnexpectedNodeInValue,
    /// A signature, digest or token value that is no base64.
    ValueNotBase64,
    /// The Body (or Timestamp, or token) is not what was signed.
    DigestMismatch,
    /// The digest of an empty string: what a failed canonicalization would yield.
    DigestOfNothing,
    /// The signature over SignedInfo is not the key's.
    BadSignature,
    /// More than one way to the signer's certificate.
    KeyinfoAmbiguous,
    /// A key without a certificate, or a reference to one that we do not follow.
    KeyTypeForbidden,
    /// RSA below 2048 bits or with a small exponent; another curve than P-256 and P-384.
    KeyTooWeak,
    /// Two Timestamps in the header.
    DuplicateTimestamp,
    /// A Timestamp that no reference covers.
    TimestampNotSigned,
    /// A Timestamp without a readable Created.
    TimestampMalformed,
    /// The signed Timestamp has run out.
    MessageExpired,
    /// The signed Timestamp lies in the future.
    MessageFromFuture,
    /// The certificate cannot be read (RFC 5280).
    CertMalformed,
    /// Neither the certificate nor its issuer is trusted.
    CertUnknown,
    CertExpired,
    CertNotYetValid,
    /// The chain to the trusted root is broken: CA flag, path length, name constraint, signature.
    CertPath,
    /// The certificate's key may not sign messages.
    CertUsage,
}

impl Reason {
    /// Every word, for closed label sets.
    pub const WORDS: [&str; 38] = [
        "signature_missing",
        "signature_count",
        "signature_incomplete",
        "signedinfo_count",
        "unexpected_object",
        "manifest_forbidden",
        "c14n_forbidden",
        "c14n_error",
        "alg_forbidden",
        "alg_key_mismatch",
        "reference_limit",
        "duplicate_reference",
        "remote_reference_forbidden",
        "ref_unresolved",
        "ref_target_not_body",
        "duplicate_id",
        "wrong_namespace",
        "transform_forbidden",
        "body_not_signed",
        "unexpected_node_in_value",
        "value_not_base64",
        "digest_mismatch",
        "digest_of_nothing",
        "bad_signature",
        "keyinfo_ambiguous",
        "key_type_forbidden",
        "key_too_weak",
        "duplicate_timestamp",
        "timestamp_not_signed",
        "timestamp_malformed",
        "message_expired",
        "message_from_future",
        "cert_malformed",
        "cert_unknown",
        "cert_expired",
        "cert_not_yet_valid",
        "cert_path",
        "cert_usage",
    ];

    /// The snake_case word in faults, metrics and the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignatureMissing => "signature_missing",
            Self::SignatureCount => "signature_count",
            Self::SignatureIncomplete => "signature_incomplete",
            Self::SignedinfoCount => "signedinfo_count",
            Self::UnexpectedObject => "unexpected_object",
            Self::ManifestForbidden => "manifest_forbidden",
            Self::C14nForbidden => "c14n_forbidden",
            Self::C14nError => "c14n_error",
            Self::AlgForbidden => "alg_forbidden",
            Self::AlgKeyMismatch => "alg_key_mismatch",
            Self::ReferenceLimit => "reference_limit",
            Self::DuplicateReference => "duplicate_reference",
            Self::RemoteReferenceForbidden => "remote_reference_forbidden",
            Self::RefUnresolved => "ref_unresolved",
            Self::RefTargetNotBody => "ref_target_not_body",
            Self::DuplicateId => "duplicate_id",
            Self::WrongNamespace => "wrong_namespace",
            Self::TransformForbidden => "transform_forbidden",
            Self::BodyNotSigned => "body_not_signed",
            Self::UnexpectedNodeInValue => "unexpected_node_in_value",
            Self::ValueNotBase64 => "value_not_base64",
            Self::DigestMismatch => "digest_mismatch",
            Self::DigestOfNothing => "digest_of_nothing",
            Self::BadSignature => "bad_signature",
            Self::KeyinfoAmbiguous => "keyinfo_ambiguous",
            Self::KeyTypeForbidden => "key_type_forbidden",
            Self::KeyTooWeak => "key_too_weak",
            Self::DuplicateTimestamp => "duplicate_timestamp",
            Self::TimestampNotSigned => "timestamp_not_signed",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::MessageExpired => "message_expired",
            Self::MessageFromFuture => "message_from_future",
            Self::CertMalformed => "cert_malformed",
            Self::CertUnknown => "cert_unknown",
            Self::CertExpired => "cert_expired",
            Self::CertNotYetValid => "cert_not_yet_valid",
            Self::CertPath => "cert_path",
            Self::CertUsage => "cert_usage",
        }
    }

    /// The code under which a caller is answered.
    #[must_use]
    pub const fn caller_code(self) -> Code {
        match self {
            Self::SignatureMissing => Code::CallerUnsigned,
            Self::MessageExpired
            | Self::MessageFromFuture
            | Self::CertExpired
            | Self::CertNotYetValid => Code::CallerStale,
            _ => Code::CallerBadSignature,
        }
    }

    /// The fault when the certificate or signature is a caller's and no place can be named.
    #[must_use]
    pub const fn of_caller(self) -> Fault {
        Fault::new(self.caller_code(), Phase::Verify, self.word())
    }

    /// The fault when it is an agency's.
    #[must_use]
    pub const fn of_agency(self) -> Fault {
        Fault::new(Code::AgencyBadSignature, Phase::Decode, self.word())
    }

    /// This reason with the byte offset that it speaks of.
    #[must_use]
    pub const fn at(self, offset: usize) -> Refusal {
        Refusal { reason: self, at: offset }
    }
}

/// A refused signature: the reason and the place in the signed document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// Byte offset in the document.
    pub at: usize,
}

impl Refusal {
    /// The fault when the signed document is a caller's.
    #[must_use]
    pub fn of_caller(&self) -> Fault {
        self.reason.of_caller().at(self.at)
    }

    /// The fault when the signed document is an agency's answer.
    #[must_use]
    pub fn of_agency(&self) -> Fault {
        self.reason.of_agency().at(self.at)
    }
}

impl From<der::Error> for Reason {
    fn from(_: der::Error) -> Self {
        Self::CertMalformed
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.reason.word(), self.at)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::fault::Outcome;

    #[test]
    fn a_refused_caller_hears_the_reason_and_nothing_was_done() {
        let fault = Reason::DigestMismatch.at(7).of_caller();
        assert_eq!(
            fault.public_line(),
            "caller.bad_signature: digest_mismatch (phase verify, byte 7)"
        );
        assert_eq!(fault.outcome(), Outcome::Refused);
        assert_eq!(Reason::CertExpired.at(0).of_caller().code, Code::CallerStale);
        assert_eq!(Reason::SignatureMissing.at(0).of_caller().code, Code::CallerUnsigned);
    }

    #[test]
    fn an_agency_with_a_bad_signature_leaves_the_outcome_unknown() {
        assert_eq!(Reason::BadSignature.at(0).of_agency().outcome(), Outcome::Unknown);
    }
}
