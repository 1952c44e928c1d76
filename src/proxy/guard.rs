//! Strict HTTP/1 framing, judged before hyper sees a byte: what two readers could read differently is refused.
//!
//! [`Guard`] follows the bytes of one connection without copying them: heads by line, bodies by their
//! length or chunk by chunk. It reads no more of HTTP than decides where a request ends and for whom
//! it is; what it lets pass, hyper parses. [`Guarded`] stands between a stream and hyper and holds a
//! head back until the whole of it is proved. The grammar is RFC 9112's without its leniences.

mod chunked;
mod head;
mod reason;
mod stream;

pub use reason::{Offence, Reason};
pub use stream::{Address, Guarded};

use chunked::Chunked;
use head::Head;

/// Bytes of one header's value, and of the request's target.
pub const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Requests of one reading that may wait behind the first.
pub const PIPELINED_MAX: usize = 16;

/// What the bytes of one connection come to: a state machine without I/O and without memory of its
/// own.
#[derive(Debug)]
pub struct Guard {
    head_bytes_max: usize,
    headers_max: usize,
    state: State,
    /// Bytes of the request under way that were let pass.
    passed_bytes: usize,
}

#[derive(Debug)]
enum State {
    Head(Head),
    /// Bytes of a body of known length that are still to come.
    Counted(u64),
    Chunked(Chunked),
    /// The connection's last request ended.
    Over,
}

/// How a request's body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Counted(u64),
    Chunked,
}

/// What may be done with the bytes that were fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the head is not whole. Feed the same bytes again with more behind them.
    Wait,
    /// So many of them may pass; the request goes on.
    Pass(usize),
    /// So many of them may pass, and the request ends with them.
    End(usize),
    /// None of them: the connection's last request has ended, and they belong to nothing.
    Over,
}

impl Guard {
    /// A guard for a fresh connection whose heads have at most `head_bytes_max` bytes, the blank line
    /// included, and `headers_max` headers.
    #[must_use]
    pub fn new(head_bytes_max: usize, headers_max: usize) -> Self {
        Self { head_bytes_max, headers_max, state: State::Head(Head::default()), passed_bytes: 0 }
    }

    /// Follows the bytes that were not let pass yet, from the first of them.
    ///
    /// # Errors
    /// The first byte that makes the request ambiguous or too large. The connection is lost: where
    /// the next request would begin is not known.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Step, Offence> {
        let mut passed = 0;
        if let State::Head(head) = &mut self.state {
            let Some(framing) = head.judge(bytes, self.head_bytes_max, self.headers_max)? else {
                return Ok(Step::Wait);
            };
            passed = head.bytes();
            let is_last = head.is_last();
            self.state = match framing {
                Framing::Counted(0) => return Ok(self.end(passed, is_last)),
                Framing::Counted(bytes) => State::Counted(bytes),
                Framing::Chunked => State::Chunked(Chunked::default()),
            };
        }
        let rest = bytes.get(passed..).unwrap_or_default();
        let is_end = match &mut self.state {
            State::Head(_) | State::Over => return Ok(Step::Over),
            State::Counted(left_bytes) => {
                let taken = rest.len().min(usize::try_from(*left_bytes).unwrap_or(usize::MAX));
                passed += taken;
                *left_bytes -= taken as u64;
                *left_bytes == 0
            }
            State::Chunked(chunked) => {
                let at = self.passed_bytes + passed;
                let (taken, is_end) = chunked.follow(rest).map_err(|offence| offence.after(at))?;
                passed += taken;
                is_end
            }
        };
        if is_end {
            return Ok(self.end(passed, false));
        }
        self.passed_bytes += passed;
        Ok(Step::Pass(passed))
    }

    /// Whether the next byte belongs to a head, or to nothing.
    #[must_use]
    pub fn is_between_bodies(&self) -> bool {
        matches!(self.state, State::Head(_) | State::Over)
    }

    /// Whether the connection's last request has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn end(&mut self, passed: usize, is_last: bool) -> Step {
        self.state = if is_last { State::Over } else { State::Head(Head::default()) };
        self.passed_bytes = 0;
        Step::End(passed)
    }
}
