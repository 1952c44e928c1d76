//! The phases of a call, in the words of metrics, journal and documentation.

/// The eleven steps of a call's life, in the order of time; the words are metric labels too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    Receive,
    Identify,
    Route,
    Admit,
    Verify,
    Open,
    Encode,
    Send,
    Decode,
    Close,
    Reply,
}

impl Phase {
    /// All phases, in the order of time.
    pub const ALL: [Self; 11] = [
        Self::Receive,
        Self::Identify,
        Self::Route,
        Self::Admit,
        Self::Verify,
        Self::Open,
        Self::Encode,
        Self::Send,
        Self::Decode,
        Self::Close,
        Self::Reply,
    ];

    /// The word used in metrics, the journal and `Qaqpa-Fault` details.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Identify => "identify",
            Self::Route => "route",
            Self::Admit => "admit",
            Self::Verify => "verify",
            Self::Open => "open",
            Self::Encode => "encode",
            Self::Send => "send",
            Self::Decode => "decode",
            Self::Close => "close",
            Self::Reply => "reply",
        }
    }
}
