//! What a fault tells besides its code: what is left of a quota, and when the call came and went.

/// The four times of a call (RFC 3339), as far as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// The caller's request was there.
    pub request_in: String,
    /// Ours went out to the agency.
    pub request_out: Option<String>,
    /// The agency's answer was there.
    pub answer_in: Option<String>,
    /// Our answer went out.
    pub answer_out: String,
}

impl Times {
    /// Those that were reached, each with its name.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("request_in", Some(&self.request_in)),
            ("request_out", self.request_out.as_ref()),
            ("answer_in", self.answer_in.as_ref()),
            ("answer_out", Some(&self.answer_out)),
        ]
        .into_iter()
        .filter_map(|(key, moment)| Some((key, moment?.as_str())))
    }
}

/// What is left of a quota, as its owner may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Whose quota it is, in words of the configuration.
    pub contract: String,
    /// Calls a second in the long run.
    pub per_second: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Calls that would be let in now.
    pub remaining: u32,
    /// Seconds until there is one more, where none is left; else until all are there.
    pub reset_s: u32,
}
