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
    /// What this says of a signature that a valid time stamp shows to be of an earlier second: what was
    /// revoked afterwards was good then. Lost keys are revoked from the second that the authority
    /// believes them lost.
    #[must_use]
    pub const fn as_of(self, signed_unix_s: i64) -> Self {
        match self {
            Self::Revoked { at_unix_s, .. } if signed_unix_s < at_unix_s => Self::Good,
            other => other,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_revoked_later_was_good_when_it_was_signed() {
        let revoked = Status::Revoked { reason: RevocationReason(1), at_unix_s: 100 };
        assert_eq!(revoked.as_of(99), Status::Good);
        assert_eq!(revoked.as_of(100), revoked);
        let unknown = Status::Unknown(Why::CrlStale);
        assert_eq!(unknown.as_of(0), unknown);
    }
}
