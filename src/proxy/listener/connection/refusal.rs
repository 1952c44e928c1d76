//! The answer to bytes that the guard refused: written here, because hyper never saw a request.

use super::{Guest, Handler, part};
use crate::proxy::guard::Offence;
use crate::proxy::tls::stream::Stream;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::{Request, Response};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a caller may take to read the answer and to stop sending.
const DEADLINE: Duration = Duration::from_secs(2);

/// Bytes that it may go on sending meanwhile.
const LEFT_BYTES_MAX: usize = 1024 * 1024;

impl<H: Handler> Guest<H> {
    /// Refuses what was sent, and closes in good order.
    pub(super) async fn refuse(&self, offence: Offence, mut stream: Stream<TcpStream>) {
        let answer = written(self.count(offence)).await;
        let told = async {
            if stream.write_all(&answer).await.is_ok() && stream.flush().await.is_ok() {
                part(stream, true, LEFT_BYTES_MAX).await;
            }
        };
        if timeout(DEADLINE, told).await.is_err() {
            tracing::debug!(peer = %self.address, "cut while it was still sending");
        }
    }

    /// Counts and records the refusal; returns the answer to it.
    pub(super) fn count(&self, offence: Offence) -> Response<impl Body<Data = Bytes> + use<H>> {
        self.shared.figures.refused(offence.reason);
        let head = Request::new(()).into_parts().0;
        let fault = offence.fault().because(format_args!("from {}", self.address));
        self.shared.handler.refuse(&head, &fault)
    }
}

/// An answer as HTTP/1.1 writes it, the last one of its connection.
async fn written(answer: Response<impl Body<Data = Bytes>>) -> Vec<u8> {
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
