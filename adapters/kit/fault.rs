//! Every way a call can fail, in one table: whose failure it is, what to answer, and whether the caller may resend.
//!
//! A [`Fault`] carries a [`Code`] (`origin.kind`), the [`Phase`] in which it arose, a static public
//! reason, and a cause that only the log and the journal see. The table in `fault/table.rs` maps a
//! code to HTTP status, the ШЭП's own `errorCode`, and the texts shown to people.

use std::fmt;

mod business;
mod detail;
mod phase;
mod table;
pub use detail::{Budget, Times};
pub use phase::Phase;
pub use table::Row;

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The caller's request is at fault; sending the same again fails the same way.
    Caller,
    /// The gateway itself could not serve; the caller may try again.
    Gateway,
    /// Trust could not be decided: certificates, revocation, time.
    Pki,
    /// The agency did not answer, or answered what nobody can rely on.
    Agency,
}

impl Origin {
    /// The word used in codes, metrics and the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Gateway => "gateway",
            Self::Pki => "pki",
            Self::Agency => "agency",
        }
    }
}

/// How a call ended, as the journal keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The agency did what was asked.
    Done,
    /// It was certainly not done: refused before `send`, or by the agency itself.
    Refused,
    /// A byte may have left and no clear answer came: only evidence decides.
    Unknown,
}

impl Outcome {
    /// The word used in metrics, tables and the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Refused => "Refused",
            Self::Unknown => "Unknown",
        }
    }
}

/// Whether and when the caller may send the same call again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// Sending the same again fails the same way; correct it first.
    Never,
    /// Nothing happened at the agency: safe to send again after a pause.
    Later,
    /// It may have happened: resend only an idempotent service, else ask for the outcome first.
    AskFirst,
}

impl Resend {
    /// The word shown in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Later => "later",
            Self::AskFirst => "ask_first",
        }
    }
}

/// The language of a text meant for people.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Kk,
    #[default]
    Ru,
    En,
}

impl Language {
    /// The language's tag (RFC 5646), as written in configuration and headers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kk => "kk",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

/// A failure in our taxonomy, named `origin.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    CallerMalformed,
    CallerTooLarge,
    CallerUnknown,
    CallerForbidden,
    CallerUnknownService,
    CallerUnsigned,
    CallerBadSignature,
    CallerStale,
    CallerTooFast,
    CallerTwin,
    CallerInProgress,
    CallerConflict,
    GatewayOverloaded,
    GatewayDraining,
    GatewayJournalDown,
    GatewayBug,
    PkiUnavailable,
    PkiRevoked,
    PkiUnknownStatus,
    AgencyUnreachable,
    AgencyBreakerOpen,
    AgencyClosed,
    AgencyTimeout,
    AgencyBrokenAnswer,
    AgencyBadSignature,
    AgencyUnlistedCode,
}

/// One failure of one call. Only `code`, `phase`, `reason` and `at` are ever shown outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What failed and whose it is.
    pub code: Code,
    /// The step of the call's life in which it failed.
    pub phase: Phase,
    /// Public reason from a closed list, a snake_case word such as `digest_mismatch`.
    pub reason: &'static str,
    /// Byte offset in the caller's document that the reason speaks of.
    pub at: Option<usize>,
    /// Seconds after which resending is sensible, for `Retry-After`.
    pub retry_after_s: Option<u32>,
    /// HTTP status where no channel was reached that has its own rule for it.
    pub http_status: Option<u16>,
    /// What is left of the quota that refused the call.
    pub budget: Option<Box<Budget>>,
    /// When the agency opens again (RFC 3339, the country's zone).
    pub opens_at: Option<Box<str>>,
    /// When the call came and went, once its answer is written.
    pub times: Option<Box<Times>>,
    /// It is about the business signature in `data`, which has codes and texts of its own.
    pub is_business: bool,
    /// Full cause for log and journal; never leaves the gateway.
    pub cause: Option<String>,
}

impl Fault {
    /// A fault with a code, the phase it arose in, and its public reason.
    #[must_use]
    pub const fn new(code: Code, phase: Phase, reason: &'static str) -> Self {
        Self {
            code,
            phase,
            reason,
            at: None,
            retry_after_s: None,
            http_status: None,
            budget: None,
            opens_at: None,
            times: None,
            is_business: false,
            cause: None,
        }
    }

    /// Adds what is left of the quota that refused the call.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(Box::new(budget));
        self
    }

    /// Adds when the call came and went.
    #[must_use]
    pub fn times(mut self, times: Times) -> Self {
        self.times = Some(Box::new(times));
        self
    }

    /// Adds when the agency opens again.
    #[must_use]
    pub fn opens_at(mut self, moment: impl Into<Box<str>>) -> Self {
        self.opens_at = Some(moment.into());
        self
    }

    /// Adds the byte offset in the caller's document.
    #[must_use]
    pub const fn at(mut self, offset: usize) -> Self {
        self.at = Some(offset);
        self
    }

    /// Adds the seconds after which resending is sensible.
    #[must_use]
    pub const fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Says that it is about the business signature.
    #[must_use]
    pub const fn of_business(mut self) -> Self {
        self.is_business = true;
        self
    }

    /// Sets the HTTP status for a request that reached no channel.
    #[must_use]
    pub const fn http_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }

    /// Adds the cause for the log; it must hold no secret and no full IIN.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Whose failure it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.code.row().origin
    }

    /// The outcome that the journal keeps: from `send` on, what is not clear is Unknown.
    ///
    /// Faults of `send` that arose before a byte left are Refused; the sender says so with
    /// [`Code::AgencyUnreachable`], [`Code::AgencyBreakerOpen`] or [`Code::AgencyClosed`].
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let certain = matches!(
            self.code,
            Code::AgencyUnreachable | Code::AgencyBreakerOpen | Code::AgencyClosed
        );
        if self.phase < Phase::Send || certain { Outcome::Refused } else { Outcome::Unknown }
    }

    /// Whether and when to send again: what may have happened is asked for first, whatever failed.
    #[must_use]
    pub fn resend(&self) -> Resend {
        match self.outcome() {
            Outcome::Unknown => Resend::AskFirst,
            Outcome::Done | Outcome::Refused => self.code.row().resend,
        }
    }

    /// The text for people; it never advises against [`Fault::resend`].
    #[must_use]
    pub fn text(&self, language: Language) -> &'static str {
        let row = self.code.row();
        match self.business() {
            Some(words) => words.text(language),
            None if self.resend() == row.resend => row.text(language),
            None => table::unclear(language),
        }
    }

    /// One public line: code, reason, phase and offset, the quota or the opening time where one is the
    /// cause; what `errorData` carries.
    #[must_use]
    pub fn public_line(&self) -> String {
        let mut line =
            format!("{}: {} (phase {}", self.code.word(), self.reason, self.phase.word());
        if self.is_business {
            line.push_str(", business signature");
        }
        if let Some(at) = self.at {
            line.push_str(&format!(", byte {at}"));
        }
        line.push(')');
        if let Some(Budget { contract, per_second, burst, remaining, reset_s }) =
            self.budget.as_deref()
        {
            line.push_str(&format!(
                "; {contract}: {per_second} a second, {burst} at once; {remaining} left, more in \
                 {reset_s} s"
            ));
        }
        if let Some(moment) = &self.opens_at {
            line.push_str(&format!("; opens at {moment}"));
        }
        line
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.public_line())?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_origin_and_its_kind() {
        for code in Code::ALL {
            let row = code.row();
            let (origin, kind) = row.word.split_once('.').expect("origin.kind");
            assert_eq!(origin, row.origin.word());
            assert!(kind.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert_eq!(Code::from_word(row.word), Some(code));
        }
    }

    #[test]
    fn every_code_speaks_three_languages_and_a_sensible_status() {
        for code in Code::ALL {
            let row = code.row();
            for text in [row.kk, row.ru, row.en] {
                assert!(text.chars().count() > 20, "{}: text too short", row.word);
                assert!(text.chars().count() <= 250, "{}: SyncChannel caps texts at 250", row.word);
            }
            assert!((400..=599).contains(&row.http_status));
        }
    }

    #[test]
    fn before_send_nothing_happened_and_after_it_only_evidence_decides() {
        assert_eq!(
            Fault::new(Code::CallerTooFast, Phase::Admit, "quota").outcome(),
            Outcome::Refused
        );
        assert_eq!(
            Fault::new(Code::AgencyUnreachable, Phase::Send, "refused").outcome(),
            Outcome::Refused
        );
        assert_eq!(
            Fault::new(Code::AgencyTimeout, Phase::Send, "deadline").outcome(),
            Outcome::Unknown
        );
        assert_eq!(
            Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, "xml").outcome(),
            Outcome::Unknown
        );
    }

    #[test]
    fn nobody_is_told_to_send_again_what_may_have_happened() {
        for code in Code::ALL {
            for phase in Phase::ALL {
                let fault = Fault::new(code, phase, "any");
                if fault.outcome() == Outcome::Refused {
                    assert_eq!(fault.resend(), code.row().resend, "{fault}");
                    assert_eq!(fault.text(Language::En), code.row().en, "{fault}");
                    continue;
                }
                assert_eq!(fault.resend(), Resend::AskFirst, "{fault}");
                assert!(fault.text(Language::Kk).contains("белгісіз"), "{fault}");
                assert!(fault.text(Language::Ru).contains("неизвест"), "{fault}");
                assert!(fault.text(Language::En).contains("unknown"), "{fault}");
            }
        }
    }
}
