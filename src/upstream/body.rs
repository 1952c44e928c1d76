//! Bodies on their way to an agency: whole, or as they arrive, measured while they pass.

use aws_lc_rs::digest::{Context as Digest, SHA256};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use qaqpa_kit::fault::{Code, Fault, Phase};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// What a connection sends.
pub(super) type Outgoing = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>>;

/// A body that is there.
pub(super) fn whole(bytes: Bytes) -> Outgoing {
    Either::Left(Full::new(bytes))
}

/// Bytes of a body that passed, and their digest.
#[derive(Clone)]
pub struct Measure {
    bytes: u64,
    digest: Digest,
}

impl Default for Measure {
    fn default() -> Self {
        Self { bytes: 0, digest: Digest::new(&SHA256) }
    }
}

impl Measure {
    /// Of bytes that are all there.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut measure = Self::default();
        measure.take(bytes);
        measure
    }

    /// Adds bytes that pass.
    pub fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
    }

    /// How many passed so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of what passed so far; zero where nothing did.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let mut sum = [0; 32];
        if self.bytes > 0 {
            sum.copy_from_slice(self.digest.clone().finish().as_ref());
        }
        sum
    }
}

/// A request's body: what is sent, and how far it came.
pub struct Upload {
    pub(super) body: Outgoing,
    pub passage: Passage,
}

impl Upload {
    /// A body that is there.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        let state = State { measure: Measure::of(&bytes), is_whole: true, broken: None };
        Self { body: whole(bytes), passage: Passage(Arc::new(Mutex::new(state))) }
    }

    /// A body that arrives: measured while it passes, at most `bytes_max` of it; trailers are dropped.
    /// `blame` says whose failure it is when it breaks off.
    pub fn stream<B>(body: B, bytes_max: u64, blame: fn(&B::Error) -> Fault) -> Self
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let passage = Passage::default();
        let passing = Passing { body, passage: passage.clone(), bytes_max, blame };
        Self { body: Either::Right(UnsyncBoxBody::new(passing)), passage }
    }

    /// Bytes that will be sent, where that is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }
}

/// How far a request's body came; cheap to clone.
#[derive(Clone, Default)]
pub struct Passage(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    measure: Measure,
    is_whole: bool,
    broken: Option<Fault>,
}

impl Passage {
    /// What passed so far.
    #[must_use]
    pub fn measure(&self) -> Measure {
        self.state().measure.clone()
    }

    /// The last byte passed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state().is_whole
    }

    /// Why its source broke off: then nothing that follows is the agency's failure.
    #[must_use]
    pub fn broken(&self) -> Option<Fault> {
        self.state().broken.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a connection is given no more of a body; what is told of it stands in its [`Passage`].
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
struct TooLarge(u64);

struct Passing<B: Body> {
    body: B,
    passage: Passage,
    bytes_max: u64,
    blame: fn(&B::Error) -> Fault,
}

impl<B> Body for Passing<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            let polled = ready!(Pin::new(&mut this.body).poll_frame(cx));
            let is_end = this.body.is_end_stream();
            let mut state = this.passage.state();
            return Poll::Ready(match polled {
                None => {
                    state.is_whole = true;
                    None
                }
                Some(Err(error)) => {
                    state.broken = Some((this.blame)(&error));
                    Some(Err(error.into()))
                }
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if state.measure.bytes + data.len() as u64 > this.bytes_max {
                        let reason = "body_bytes";
                        state.broken =
                            Some(Fault::new(Code::CallerTooLarge, Phase::Receive, reason));
                        return Poll::Ready(Some(Err(TooLarge(this.bytes_max).into())));
                    }
                    state.measure.take(&data);
                    state.is_whole = is_end;
                    Some(Ok(Frame::data(data)))
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
