//! The guard and hyper must never disagree about where a request ends, whatever is done to its bytes.

use super::machine::{HEAD_BYTES_MAX, HEADERS_MAX, verdict};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::select;
use qaqpa::proxy::guard::{Guarded, Reason};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};

/// Bodies that a handler saw, in order; `None` where one broke off.
type Bodies = Vec<Option<Vec<u8>>>;

/// What is put into plain requests: everything that framing is made of.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "0",
    "1",
    "9",
    "a",
    "+",
    "0x",
    "\0",
    "\u{85}",
    "#",
    "@",
    "5\r\n",
    "0\r\n\r\n",
    "chunked",
    "identity, ",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Content-Length:",
    "Transfer-Encoding: chunked\r\n",
    "Host: a\r\n",
    "Transfer-Encoding: ",
    "Expect: 100-continue\r\n",
    "X: 1\r\n",
    " HTTP/1.1",
    " HTTP/1.0",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "http://a/",
    "*",
    "POST",
    "GET ",
    "hello",
];

#[derive(Clone, Debug)]
enum Change {
    Insert(usize, &'static str),
    /// Before or after a line's end, where most pieces mean something.
    AtLine(usize, bool, &'static str),
    Cut(usize, usize),
    Flip(usize, u8),
    Copy(usize, usize, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |at: usize| at % (bytes.len() + 1);
        match *self {
            Self::Insert(to, piece) => drop(bytes.splice(at(to)..at(to), piece.bytes())),
            Self::AtLine(line, is_behind, piece) => {
                let ends = bytes.windows(2).enumerate().filter(|(_, two)| two == b"\r\n");
                let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
                if let Some(end) = ends.get(line % ends.len().max(1)) {
                    let to = end + if is_behind { 2 } else { 0 };
                    drop(bytes.splice(to..to, piece.bytes()));
                }
            }
            Self::Cut(from, count) => {
                let range = at(from)..(at(from) + count).min(bytes.len());
                drop(bytes.drain(range));
            }
            Self::Flip(to, byte) => {
                let to = at(to);
                if let Some(old) = bytes.get_mut(to) {
                    *old = byte;
                }
            }
            Self::Copy(from, count, to) => {
                let copy = bytes[at(from)..(at(from) + count).min(bytes.len())].to_vec();
                drop(bytes.splice(at(to)..at(to), copy));
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0_usize..400;
    prop_oneof![
        2 => (at(), select(PIECES)).prop_map(|(to, text)| Change::Insert(to, text)),
        9 => (0_usize..30, any::<bool>(), select(PIECES))
            .prop_map(|(line, is_behind, text)| Change::AtLine(line, is_behind, text)),
        1 => (at(), 1_usize..12).prop_map(|(from, count)| Change::Cut(from, count)),
        1 => (at(), any::<u8>()).prop_map(|(to, byte)| Change::Flip(to, byte)),
        1 => (at(), 1_usize..40, at()).prop_map(|(from, count, to)| Change::Copy(from, count, to)),
    ]
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let head = "POST /p HTTP/1.1\r\nHost: a\r\n";
    prop_oneof![
        Just(b"GET /g?q HTTP/1.1\r\nHost: a\r\nX-Y: 1\r\n\r\n".to_vec()),
        Just(b"\r\nGET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        "[a-z\r\n0]{0,30}".prop_map(move |body| {
            format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
        }),
        proptest::collection::vec("[a-z\r\n0]{1,20}", 0..4).prop_map(move |chunks| {
            let chunk = |chunk: &String| format!("{:x}\r\n{chunk}\r\n", chunk.len());
            let chunks: String = chunks.iter().map(chunk).collect();
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into_bytes()
        }),
    ]
}

/// What hyper reads from a stream of which these are all bytes.
async fn read_by_hyper<T>(bytes: &[u8], wrap: impl FnOnce(tokio::io::DuplexStream) -> T) -> Bodies
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (near, far) = duplex(64 * 1024);
    let bodies = Arc::new(Mutex::new(Bodies::new()));
    let seen = Arc::clone(&bodies);
    let service = service_fn(move |request: Request<Incoming>| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect().await.ok();
            seen.lock().unwrap().push(body.map(|body| body.to_bytes().to_vec()));
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    let mut http = http1::Builder::new();
    http.half_close(true);
    let served = tokio::spawn(http.serve_connection(TokioIo::new(wrap(far)), service));
    let (mut answers, mut requests) = tokio::io::split(near);
    requests.write_all(bytes).await.unwrap();
    requests.shutdown().await.unwrap();
    drop(answers.read_to_end(&mut Vec::new()).await);
    drop(served.await.unwrap());
    std::mem::take(&mut bodies.lock().unwrap())
}

/// The body of one whole request, read from its bytes in the plainest way there is.
fn body_of(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let from = text.find("HTTP/1").unwrap();
    let end = from + text[from..].find("\r\n\r\n").unwrap() + 4;
    if !text[..end].to_ascii_lowercase().contains("\r\ntransfer-encoding:") {
        return request[end..].to_vec();
    }
    let (mut rest, mut body) = (&request[end..], Vec::new());
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[line + 2..][..size]);
        rest = &rest[line + 2 + size + 2..];
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn the_guard_and_hyper_agree_where_every_request_ends(
        requests in proptest::collection::vec(request(), 1..4),
        changes in proptest::collection::vec(change(), 0..4),
    ) {
        let mut bytes = requests.concat();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        let verdict = verdict([bytes.as_slice()]);
        if changes.is_empty() {
            prop_assert_eq!(verdict.ends.len(), requests.len());
            prop_assert_eq!(verdict.reason, None);
        }
        let starts = std::iter::once(&0).chain(&verdict.ends);
        let each: Vec<&[u8]> =
            starts.zip(&verdict.ends).map(|(start, end)| &bytes[*start..*end]).collect();
        let expected: Bodies = each.iter().map(|request| Some(body_of(request))).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (whole, guarded, alone) = runtime.block_on(async {
            let passed = &bytes[..verdict.ends.last().copied().unwrap_or(0)];
            let whole = read_by_hyper(passed, |stream| stream).await;
            let guarded = read_by_hyper(&bytes, |s| Guarded::new(s, HEAD_BYTES_MAX, HEADERS_MAX)).await;
            let mut alone = Bodies::new();
            for request in &each {
                alone.extend(read_by_hyper(request, |stream| stream).await);
            }
            (whole, guarded, alone)
        });
        prop_assert_eq!(&whole, &expected, "hyper, all that passed at once: {:?}", bytes);
        prop_assert_eq!(&alone, &expected, "hyper, each request alone: {:?}", bytes);
        // What broke off within a body may have begun; it must not have been whole.
        let guarded: Bodies = guarded.into_iter().filter(Option::is_some).collect();
        prop_assert_eq!(&guarded, &expected, "hyper behind the guard: {:?}", bytes);
    }
}

#[tokio::test]
async fn an_answer_to_a_body_that_broke_is_not_hypers_to_write() {
    let (mut near, far) = duplex(64 * 1024);
    let service = service_fn(|request: Request<Incoming>| {
        Box::pin(async {
            assert!(request.into_body().collect().await.is_err(), "the body is broken");
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"done"))))
        })
    });
    let guarded = Guarded::new(far, HEAD_BYTES_MAX, HEADERS_MAX);
    let mut http = http1::Builder::new();
    let mut served = http.half_close(true).serve_connection(TokioIo::new(guarded), service);
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    near.write_all(head).await.unwrap();
    let began = std::future::poll_fn(|cx| Poll::Ready(served.poll_without_shutdown(cx))).await;
    assert!(began.is_pending());
    near.write_all(b"3;x\r\n").await.unwrap();
    drop(std::future::poll_fn(|cx| served.poll_without_shutdown(cx)).await);
    let (stream, offence) = served.into_parts().io.into_inner().into_parts();
    assert_eq!(offence.map(|(offence, _)| offence.reason), Some(Reason::ChunkExtension));
    drop(stream);
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "");
}
