//! The closed list of reasons for which a signature or its signer is refused.

use qaqpa_kit::fault::{Code, Fault, Phase};

/// One list for variants, words and the closed set of labels, so that none can lag behind.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a signature or a certificate is not accepted. The words help an honest sender and
        /// tell an attacker nothing new.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every word, for closed label sets.
            pub const WORDS: [&str; [$($word),*].len()] = [$($word),*];

            /// The snake_case word in faults, metrics and the journal.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The reason of that word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    /// No `ds:Signature` in a `wsse:Security` header.
    SignatureMissing = "signature_missing",
    /// A second `ds:Signature` in the header.
    SignatureCount = "signature_count",
    /// `SignedInfo`, `SignatureValue`, `KeyInfo` are not exactly there in this order.
    SignatureIncomplete = "signature_incomplete",
    /// Not exactly one `SignedInfo` as the Signature's first child.
    SignedinfoCount = "signedinfo_count",
    /// An element that the profile does not know, `ds:Object` among them.
    UnexpectedObject = "unexpected_object",
    /// A Manifest: its references are nobody's proof.
    ManifestForbidden = "manifest_forbidden",
    /// A canonicalization other than exclusive without comments, or a prefix list out of bounds.
    C14nForbidden = "c14n_forbidden",
    /// What is signed has no canonical form: a relative namespace URI (Canonical XML §1.3), or `xml:base`
    /// on `xml:base` by version 1.1.
    C14nError = "c14n_error",
    /// A signature or digest algorithm that is not on the allow-list.
    AlgForbidden = "alg_forbidden",
    /// The algorithm belongs to another family than the certificate's key.
    AlgKeyMismatch = "alg_key_mismatch",
    /// More than three references.
    ReferenceLimit = "reference_limit",
    /// Two references to one element.
    DuplicateReference = "duplicate_reference",
    /// A reference that leaves the document: URL, file, attachment.
    RemoteReferenceForbidden = "remote_reference_forbidden",
    /// A reference that is no `#NCName` or names nothing.
    RefUnresolved = "ref_unresolved",
    /// A reference to something else than Body, Timestamp or token in their places.
    RefTargetNotBody = "ref_target_not_body",
    /// The value that a reference names stands more than once in the document.
    DuplicateId = "duplicate_id",
    /// An id attribute, or an element of the profile, in a foreign namespace.
    WrongNamespace = "wrong_namespace",
    /// Anything but one exclusive canonicalization as transform.
    TransformForbidden = "transform_forbidden",
    /// No reference covers the Body.
    BodyNotSigned = "body_not_signed",
    /// An element, comment, instruction or CDATA section inside a signature, digest or token value.
    UnexpectedNodeInValue = "unexpected_node_in_value",
    /// A signature, digest or token value that is no base64.
    ValueNotBase64 = "value_not_base64",
    /// The Body (or Timestamp, or token) is not what was signed.
    DigestMismatch = "digest_mismatch",
    /// The digest of an empty string: what a failed canonicalization would yield.
    DigestOfNothing = "digest_of_nothing",
    /// The signature over SignedInfo is not the key's.
    BadSignature = "bad_signature",
    /// More than one way to the signer's certificate.
    KeyinfoAmbiguous = "keyinfo_ambiguous",
    /// A key without a certificate, or a reference to one that we do not follow.
    KeyTypeForbidden = "key_type_forbidden",
    /// RSA below 2048 bits or with a small exponent; another curve than P-256 and P-384.
    KeyTooWeak = "key_too_weak",
    /// Two Timestamps in the header.
    DuplicateTimestamp = "duplicate_timestamp",
    /// A Timestamp that no reference covers.
    TimestampNotSigned = "timestamp_not_signed",
    /// A Timestamp without a readable Created.
    TimestampMalformed = "timestamp_malformed",
    /// The signed Timestamp has run out.
    MessageExpired = "message_expired",
    /// The signed Timestamp lies in the future.
    MessageFromFuture = "message_from_future",
    /// No compact JWS with exactly the header fields that we know.
    JwsMalformed = "jws_malformed",
    /// A reference to something else than the document's root or the one element beside the signatures.
    RefTargetNotRoot = "ref_target_not_root",
    /// Something of the document stands outside of what its signature covers.
    ContentNotSigned = "content_not_signed",
    /// Text and an element in `data`, or a comment in its text: two readers would find two documents.
    DocumentAmbiguous = "document_ambiguous",
    /// The text in `data` that should be a signed document is no XML.
    SignedDocumentNotXml = "signed_document_not_xml",
    /// No CMS SignedData with signers, or one beyond the caps.
    CmsMalformed = "cms_malformed",
    /// The signed attributes were not sent in DER.
    AttributesNotDer = "attributes_not_der",
    /// contentType, messageDigest or signingCertificateV2 is not there exactly once.
    SignedAttributeMissing = "signed_attribute_missing",
    /// The signer's certificate is neither sent nor known.
    SignerCertificateMissing = "signer_certificate_missing",
    /// The certificate is another one than the signed attribute names.
    SigningCertificateMismatch = "signing_certificate_mismatch",
    /// The signature holds no content and none stands beside it.
    ContentMissing = "content_missing",
    /// The signature holds a content and another one stands beside it.
    ContentAmbiguous = "content_ambiguous",
    /// The RFC 3161 token is not over this signature by a trusted timestamping key.
    TimestampInvalid = "timestamp_invalid",
    /// Signature-Input and Signature are not one signature of known parts (RFC 9421).
    HttpSignatureMalformed = "http_signature_malformed",
    /// Method, target, body or a header that changes the meaning is not signed.
    ComponentNotSigned = "component_not_signed",
    /// This signature was used before, by a call without a key of its own.
    Replayed = "replayed",
    /// The signer has none of the roles that the service demands.
    CertRole = "cert_role",
    /// The signer's IIN or BIN is not what the signed field names.
    SignerNotField = "signer_not_field",
    /// The field that must name the signer is not there exactly once, or is not signed.
    SignerFieldMissing = "signer_field_missing",
    /// The certificate cannot be read (RFC 5280).
    CertMalformed = "cert_malformed",
    /// Neither the certificate nor its issuer is trusted.
    CertUnknown = "cert_unknown",
    CertExpired = "cert_expired",
    CertNotYetValid = "cert_not_yet_valid",
    /// The chain to the trusted root is broken: CA flag, path length, name constraint, signature.
    CertPath = "cert_path",
    /// The certificate's key may not sign messages.
    CertUsage = "cert_usage",
    /// A list or a responder says that the certificate was revoked.
    CertRevoked = "cert_revoked",
}

impl Reason {
    /// The code under which a caller is answered.
    #[must_use]
    pub const fn caller_code(self) -> Code {
        match self {
            Self::SignatureMissing => Code::CallerUnsigned,
            Self::CertRevoked => Code::PkiRevoked,
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
