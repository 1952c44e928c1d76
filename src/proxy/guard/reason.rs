//! Why bytes are refused: one closed list, for answers, metrics and the journal.

use qaqpa_kit::fault::{Code, Fault, Phase};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a request was refused before anybody read it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All words, for the labels of a metric.
            pub const WORDS: &[&str] = &[$($word),*];

            /// The word used in faults and metrics.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// More than one empty line before the request line.
    EmptyLine = "empty_line",
    /// No token, or CONNECT.
    Method = "method",
    /// Not origin-form, absolute-form or `OPTIONS *`; a fragment; a byte that no URI has.
    Target = "target",
    /// Longer than [`super::VALUE_BYTES_MAX`].
    TargetBytes = "target_bytes",
    /// Neither HTTP/1.1 nor HTTP/1.0.
    Version = "version",
    /// A carriage return without its line feed.
    BareCr = "bare_cr",
    /// A line feed without its carriage return.
    BareLf = "bare_lf",
    /// A line that begins with a space: obs-fold, or a header hidden from some readers.
    HeaderFold = "header_fold",
    /// Empty, no token, space before the colon, no colon, or a disguise of a framing header.
    HeaderName = "header_name",
    /// A control character or a byte beyond ASCII.
    HeaderValue = "header_value",
    /// Longer than [`super::VALUE_BYTES_MAX`].
    HeaderValueBytes = "header_value_bytes",
    /// More than `limits.headers_max`.
    Headers = "headers",
    /// Longer than `limits.head_bytes_max`.
    HeadBytes = "head_bytes",
    /// Missing, doubled, no plain authority, or another than the target's.
    Host = "host",
    /// Doubled, or not 1 to 19 digits without leading zeros.
    ContentLength = "content_length",
    /// HTTP/1.0 with a method that has a body, and no Content-Length (RFC 1945 §7.2.2).
    LengthMissing = "length_missing",
    /// Doubled, not exactly `chunked`, or in HTTP/1.0.
    TransferEncoding = "transfer_encoding",
    /// Content-Length and Transfer-Encoding together.
    TwoFramings = "two_framings",
    /// Doubled, or anything but 100-continue.
    Expect = "expect",
    /// Asks to leave HTTP/1.1.
    Upgrade = "upgrade",
    /// A body on GET, HEAD, DELETE or OPTIONS.
    BodyNotAllowed = "body_not_allowed",
    /// Not 1 to 16 hexadecimal digits and a line end.
    ChunkSize = "chunk_size",
    /// A `;` after the size.
    ChunkExtension = "chunk_extension",
    /// Data that is not followed by its line end.
    ChunkEnd = "chunk_end",
    /// Anything after the last chunk but the blank line.
    Trailer = "trailer",
    /// More than [`super::PIPELINED_MAX`] requests at once.
    Pipelined = "pipelined",
    /// Passed here and refused by the HTTP library: two readers disagreed, and the stricter one won.
    Library = "library",
}

/// The first byte that spoiled a request, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {at}", reason.word())]
pub struct Offence {
    pub reason: Reason,
    /// Bytes from the request's first to the line or byte that offends.
    pub at: usize,
}

impl Offence {
    pub(super) fn after(self, bytes: usize) -> Self {
        Self { at: self.at + bytes, ..self }
    }

    /// As a failure of the caller; it has an HTTP status of its own, because no channel was reached.
    #[must_use]
    pub fn fault(self) -> Fault {
        let (code, http_status) = match self.reason {
            Reason::TargetBytes => (Code::CallerTooLarge, 414),
            Reason::HeaderValueBytes | Reason::Headers | Reason::HeadBytes => {
                (Code::CallerTooLarge, 431)
            }
            _ => (Code::CallerMalformed, 400),
        };
        Fault::new(code, Phase::Receive, self.reason.word()).at(self.at).http_status(http_status)
    }
}
