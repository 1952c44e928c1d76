//! A stream that gives hyper nothing but what the guard let pass, one request at a time.

use super::{Guard, Offence, PIPELINED_MAX, Reason, Step};
use bytes::BytesMut;
use hyper::{Method, Uri};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Stands between a stream and hyper.
///
/// What waits here is at most one head that is not whole and one reading of the stream.
pub struct Guarded<T> {
    stream: T,
    guard: Guard,
    /// Bytes that were read and not given to hyper yet.
    held: BytesMut,
    /// So many of them were let pass.
    passable: usize,
    /// Requests that were found in what is held since the stream was read.
    pipelined: usize,
    offence: Option<Offence>,
    /// What the request asks for whose body is under way.
    address: Address,
    /// The answer to the request under way has begun.
    is_answering: bool,
}

impl<T> Guarded<T> {
    /// Guards a fresh connection; the limits are [`Guard::new`]'s.
    pub fn new(stream: T, head_bytes_max: usize, headers_max: usize) -> Self {
        Self {
            stream,
            guard: Guard::new(head_bytes_max, headers_max),
            held: BytesMut::new(),
            passable: 0,
            pipelined: 0,
            offence: None,
            address: Address::default(),
            is_answering: false,
        }
    }

    /// The stream, and the offence that ended it where an answer to it can still be written.
    pub fn into_parts(self) -> (T, Option<Offence>) {
        (self.stream, self.offence.filter(|_| !self.is_answering))
    }

    /// What the request under way asks for, or the head that is held back, as far as that can be read;
    /// else `GET /`.
    pub fn address(&self) -> Address {
        if self.guard.is_between_bodies() {
            return Address::read(&self.held).unwrap_or_default();
        }
        self.address.clone()
    }

    /// Notes that hyper writes; an interim answer (RFC 9110 §15.2) answers nothing yet.
    ///
    /// # Errors
    /// The request's body turned out to be none: the answer to that is not hyper's to write.
    fn note_writing(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(offence) = self.offence
            && !self.is_answering
            && !self.guard.is_between_bodies()
        {
            return Err(io::Error::new(io::ErrorKind::InvalidData, offence));
        }
        self.is_answering |= !bytes.starts_with(b"HTTP/1.1 1");
        Ok(())
    }

    /// Judges what follows what was let pass; says how many bytes may pass now.
    fn judge(&mut self, bytes: &[u8]) -> usize {
        let is_head = self.guard.is_between_bodies();
        if is_head {
            // hyper asks for the next request only when the answer to the last one is out.
            self.is_answering = false;
        }
        let mut judged = self.guard.feed(bytes);
        if is_head && !self.guard.is_between_bodies() {
            self.address = Address::read(bytes).unwrap_or_default();
        }
        if let Ok(Step::End(passed)) = judged
            && passed < bytes.len()
        {
            self.pipelined += 1;
            if self.pipelined > PIPELINED_MAX {
                judged = Err(Offence { reason: Reason::Pipelined, at: 0 });
            }
        }
        match judged {
            Ok(Step::Pass(passed) | Step::End(passed)) => passed,
            Ok(Step::Wait | Step::Over) => 0,
            Err(offence) => {
                self.offence = Some(offence);
                0
            }
        }
    }
}

/// What a request that was refused asked for: it says no more than in whose words to answer.
#[derive(Clone, Debug, Default)]
pub struct Address {
    pub method: Method,
    pub target: Uri,
}

impl Address {
    fn read(head: &[u8]) -> Option<Self> {
        let mut lines = head.split(|byte| matches!(byte, b'\r' | b'\n'));
        let mut words = lines.find(|line| !line.is_empty())?.split(|byte| *byte == b' ');
        let method = Method::from_bytes(words.next()?).ok()?;
        Some(Self { method, target: Uri::try_from(words.next()?).ok()? })
    }
}

impl<T: AsyncRead + Unpin> Guarded<T> {
    /// Reads until a head may pass or was refused; `false` where the stream ends before. Until then
    /// nobody need hold more for this connection than what came.
    ///
    /// # Errors
    /// The stream's own.
    pub fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut bytes = [0; 4096];
        while self.passable == 0 && self.offence.is_none() {
            let mut buffer = ReadBuf::new(&mut bytes);
            let is_more = ready!(self.poll_more(cx, &mut buffer))?;
            let passed = buffer.filled();
            if is_more && self.offence.is_none() {
                let held = std::mem::take(&mut self.held);
                self.passable = self.judge(&held);
                self.held = held;
            } else if passed.is_empty() {
                return Poll::Ready(Ok(self.offence.is_some()));
            } else {
                self.passable = passed.len();
                let rest = std::mem::replace(&mut self.held, passed.into());
                self.held.extend_from_slice(&rest);
            }
        }
        Poll::Ready(Ok(true))
    }

    /// Reads into hyper's buffer, and takes back what may not pass; says whether to read on.
    fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        let is_end = read.is_empty();
        self.pipelined = 0;
        let passed = if self.held.is_empty() && !is_end { self.judge(read) } else { 0 };
        self.held.extend_from_slice(read.get(passed..).unwrap_or_default());
        buffer.set_filled(before + passed);
        Poll::Ready(Ok(passed == 0 && !is_end))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.passable > 0 {
                let given = this.passable.min(buffer.remaining());
                buffer.put_slice(&this.held.split_to(given));
                this.passable -= given;
                if this.held.is_empty() {
                    this.held = BytesMut::new();
                }
                return Poll::Ready(Ok(()));
            }
            if !this.held.is_empty() && this.offence.is_none() {
                let held = std::mem::take(&mut this.held);
                this.passable = this.judge(&held);
                this.held = held;
                if this.passable > 0 {
                    continue;
                }
            }
            if let Some(offence) = this.offence {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, offence)));
            }
            if this.guard.is_over() || !ready!(this.poll_more(cx, buffer))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.note_writing(bytes)?;
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.note_writing(slices.first().map_or(&[], |slice| slice))?;
        Pin::new(&mut this.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
