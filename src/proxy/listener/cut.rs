//! Why a connection was refused or ended against its caller's will: the closed list that operations count by.

/// One cap or deadline of a connection that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// One address holds as many connections as it may.
    Address,
    /// One address connects more often than it may, or flooded a moment ago.
    Arrivals,
    /// One address sends more requests that must be refused than it may.
    Refusals,
    /// One participant holds as many connections as it may.
    Participant,
    /// The TLS handshake did not end in time.
    Handshake,
    /// A head, or a frame that is no body, did not end in time.
    Head,
    /// Nothing was asked for too long.
    Idle,
    /// The caller does not take its answer.
    Write,
    /// The certificate is not trusted any more.
    Untrusted,
    /// The caller broke HTTP/2 so that nothing more can be understood, or crossed a cap of h2.
    Http2,
    HeadersFlood,
    ResetFlood,
    SettingsFlood,
    PingFlood,
    ContinuationFlood,
    EmptyDataFlood,
    WindowUpdateFlood,
    PriorityFlood,
    UnknownFrameFlood,
}

impl Cut {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 19] = [
        Self::Address,
        Self::Arrivals,
        Self::Refusals,
        Self::Participant,
        Self::Handshake,
        Self::Head,
        Self::Idle,
        Self::Write,
        Self::Untrusted,
        Self::Http2,
        Self::HeadersFlood,
        Self::ResetFlood,
        Self::SettingsFlood,
        Self::PingFlood,
        Self::ContinuationFlood,
        Self::EmptyDataFlood,
        Self::WindowUpdateFlood,
        Self::PriorityFlood,
        Self::UnknownFrameFlood,
    ];

    /// Whether the caller cost more than it asked for, or asked for nothing that can be answered: its
    /// address pays for it.
    #[must_use]
    pub const fn is_flood(self) -> bool {
        self as u8 >= Self::Http2 as u8 || matches!(self, Self::Refusals)
    }

    /// The label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Address => "connections_per_address",
            Self::Arrivals => "connections_per_address_per_second",
            Self::Refusals => "refusals_per_address_per_second",
            Self::Participant => "connections_per_participant",
            Self::Handshake => "handshake_deadline",
            Self::Head => "head_deadline",
            Self::Idle => "idle_deadline",
            Self::Write => "write_deadline",
            Self::Untrusted => "untrusted",
            Self::Http2 => "http2",
            Self::HeadersFlood => "headers_flood",
            Self::ResetFlood => "reset_flood",
            Self::SettingsFlood => "settings_flood",
            Self::PingFlood => "ping_flood",
            Self::ContinuationFlood => "continuation_flood",
            Self::EmptyDataFlood => "empty_data_flood",
            Self::WindowUpdateFlood => "window_update_flood",
            Self::PriorityFlood => "priority_flood",
            Self::UnknownFrameFlood => "unknown_frame_flood",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cut;

    #[test]
    fn each_reason_stands_at_its_number() {
        for (number, cut) in Cut::ALL.into_iter().enumerate() {
            assert_eq!(cut as usize, number, "{}", cut.word());
        }
    }
}
