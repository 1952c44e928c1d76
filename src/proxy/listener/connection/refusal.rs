//! The answer to bytes that the guard refused: written here, because hyper never saw a request.

use super::super::Handler;
use super::super::answer::AnswerBody;
use super::super::guest::Guest;
use crate::proxy::guard::{Address, Offence};
use http_body_util::BodyExt;
use hyper::{Request, Response};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

impl<H: Handler> Guest<H> {
    /// Refuses what was sent; the connection is to be closed after it.
    pub(super) async fn refuse_framing(
        &self,
        offence: Offence,
        address: Address,
        stream: &mut (impl AsyncWrite + Unpin),
    ) {
        let answer = written(self.record(offence, address)).await;
        let told = async {
            stream.write_all(&answer).await?;
            stream.flush().await
        };
        // Who does not take the answer in time goes without.
        drop(timeout(self.shared.limits.linger_deadline, told).await);
    }

    /// Counts and records the refusal; returns the answer to it, in the words of the face that was
    /// addressed.
    pub(super) fn record(&self, offence: Offence, address: Address) -> Response<AnswerBody> {
        self.shared.figures.refuse(offence.reason);
        let mut head = Request::new(()).into_parts().0;
        (head.method, head.uri) = (address.method, address.target);
        let fault = offence.fault().because(format_args!("from {}", self.address));
        self.shared.handler.refuse(&head, &fault)
    }
}

/// An answer as HTTP/1.1 writes it, the last one of its connection.
async fn written(answer: Response<AnswerBody>) -> Vec<u8> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
    let reason = head.status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    let length = body.len();
    let end = format!("content-length: {length}\r\nconnection: close\r\n\r\n");
    bytes.extend_from_slice(end.as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}
