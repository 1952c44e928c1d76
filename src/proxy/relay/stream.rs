//! A long answer on its way to the caller: measured as it passes, its entry closed at its end.

use super::account::{Account, Ending};
use crate::upstream::FlowBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type Closing = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// The body of a relayed answer.
///
/// Polled only while the caller takes what it got, so back-pressure reaches the agency. Dropped before
/// its end, the caller has hung up: the entry says how much it was given.
pub(super) struct AnswerStream {
    body: FlowBody,
    /// Read already, given first.
    first: Bytes,
    bytes_max: u64,
    ending: Ending,
    /// Until the entry is closed.
    account: Option<Account>,
    /// The close that must be durable before the last frame, which waits here.
    closing: Option<(Closing, Bytes)>,
}

impl AnswerStream {
    pub(super) fn new(
        account: Account,
        ending: Ending,
        body: FlowBody,
        (first, bytes_max): (Bytes, u64),
    ) -> Self {
        Self { body, first, bytes_max, ending, account: Some(account), closing: None }
    }

    /// The next bytes; with an error the entry is closed as Unknown.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        if self.account.is_none() {
            return Poll::Ready(None);
        }
        let data = if self.first.is_empty() {
            ready!(self.body.poll_data(cx))
        } else {
            Some(Ok(std::mem::take(&mut self.first)))
        };
        let data = data.map(|data| data.and_then(|data| self.measure(data)));
        if let Some(Err(fault)) = &data {
            self.ending.outcome = Outcome::Unknown;
            self.ending.fault = Some(fault.clone());
            if let Some(account) = self.account.take() {
                account.close_soon(self.ending.clone());
            }
        }
        Poll::Ready(data)
    }

    fn measure(&mut self, data: Bytes) -> Result<Bytes, Fault> {
        if self.ending.answer.bytes() + data.len() as u64 > self.bytes_max {
            return Err(Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, "answer_too_large"));
        }
        self.ending.answer.take(&data);
        Ok(data)
    }

    /// Closes the entry; true where `last` must wait until that is durable.
    fn close(&mut self, last: &Bytes) -> bool {
        self.ending.is_whole = true;
        let Some(mut account) = self.account.take() else { return false };
        if !account.is_durable_first() {
            account.close_soon(self.ending.clone());
            return false;
        }
        let ending = self.ending.clone();
        let closing = Box::pin(async move { account.close(ending).await });
        self.closing = Some((closing, last.clone()));
        true
    }
}

impl Body for AnswerStream {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        loop {
            if let Some((closing, _)) = &mut self.closing {
                let closed = ready!(closing.as_mut().poll(cx));
                let last = self.closing.take().map_or_else(Bytes::new, |(_, last)| last);
                return Poll::Ready(match closed {
                    Err(fault) => Some(Err(fault)),
                    Ok(()) if last.is_empty() => None,
                    Ok(()) => Some(Ok(Frame::data(last))),
                });
            }
            let data = match ready!(self.poll_data(cx)) {
                None => Bytes::new(),
                Some(Ok(data)) => data,
                Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
            };
            if (data.is_empty() || self.body.is_end()) && self.close(&data) {
                continue;
            }
            return Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.account.is_none() && self.closing.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.first.len() + self.closing.as_ref().map_or(0, |(_, last)| last.len());
        match self.body.bytes_left() {
            Some(bytes) => SizeHint::with_exact(bytes + ahead as u64),
            None => SizeHint::default(),
        }
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        if let Some(account) = self.account.take() {
            account.close_soon(self.ending.clone());
        }
    }
}
