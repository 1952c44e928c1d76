//! Whether a certificate was revoked: good, revoked, or unknown and why.

use super::crl::RevocationReason;

/// One list for variants, words and the closed set of labels, so that none can lag behind.
macro_rules! whys {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why nobody could say whether a certificate was revoked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Why {
            $($(#[$doc])* $name,)*
        }

        impl Why {
            /// Every word, for closed label sets.
            pub const WORDS: [&str; [$($word),*].len()] = [$($word),*];

            /// The snake_case word in faults, metrics and the journal.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

whys! {
    /// Neither a responder nor a list is configured for its issuer.
    NoSource = "no_source",
    /// No list of its issuer covers it.
    CrlMissing = "crl_missing",
    /// The list at hand is past the day of the next one.
    CrlStale = "crl_stale",
    /// The responder cannot be reached, or broke off.
    OcspDown = "ocsp_down",
    /// The responder did not answer in time.
    OcspSlow = "ocsp_slow",
    /// The responder's answer is no OCSP answer (RFC 6960 §4.2.1).
    OcspMalformed = "ocsp_malformed",
    /// The responder refuses: try later, unauthorized, internal error.
    OcspRefused = "ocsp_refused",
    /// The answer is not signed by its issuer or by whom the issuer named for it.
    OcspBadSignature = "ocsp_bad_signature",
    /// The answer speaks of other certificates, or twice of this one.
    OcspWrongCertificate = "ocsp_wrong_certificate",
    /// The answer carries another nonce than the question.
    OcspWrongNonce = "ocsp_wrong_nonce",
    /// The answer is past its end, too old, or from the future.
    OcspStale = "ocsp_stale",
    /// The answer is older than the one known already.
    OcspReplayed = "ocsp_replayed",
    /// The responder says that it does not know the certificate.
    OcspUnknown = "ocsp_unknown",
    /// Too many questions are under way.
    OcspBusy = "ocsp_busy",
}

/// Whether a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Good,
    /// Revoked, or held: for us there is no difference.
    Revoked {
        reason: RevocationReason,
        /// When, Unix seconds.
        at_unix_s: i64,
    },
    /// Nobody can say, and nobody guesses.
    Unknown(Why),
}

impl Status {
    /// The word in metrics and the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown(_) => "unknown",
        }
    }
}
