//! A door whose house notes every request that gets in and every refusal, and callers of raw bytes.

use super::house;
use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use qaqpa::config::settings::{Agency, TlsMode};
use qaqpa::ops::metrics::Metrics;
use qaqpa::proxy::listener::{AnswerBody, Door, Drained, Handler, Received, plain_refusal};
use qaqpa::upstream::{UpstreamRequest, Upstreams};
use qaqpa_kit::fault::Fault;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// More than the sockets between two processes hold.
pub const LARGE_BYTES: usize = 32 * 1024 * 1024;

/// Notes what gets in, and passes it on where there is an agency behind it.
pub struct Notes {
    /// Target and body.
    pub requests: Mutex<Vec<(String, Vec<u8>)>>,
    pub refusals: Mutex<Vec<Fault>>,
    /// Method, target and length of the body of what was passed on.
    meant: Mutex<Vec<String>>,
    /// `/wait` waits for a permit; `/large` answers [`LARGE_BYTES`].
    pub go: Semaphore,
    agency: Option<(Upstreams, Agency)>,
}

impl Notes {
    /// What got in since the last look.
    pub fn take_requests(&self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// What was refused since the last look.
    pub fn take_refusals(&self) -> Vec<Fault> {
        std::mem::take(&mut self.refusals.lock().unwrap())
    }

    /// What a backend should say of the requests that were passed on since the last look.
    pub fn take_meant(&self) -> Vec<String> {
        std::mem::take(&mut self.meant.lock().unwrap())
    }

    async fn passed_on(&self, received: Received) -> Response<AnswerBody> {
        let Some((upstreams, agency)) = &self.agency else {
            return Response::new(AnswerBody::from(received.body));
        };
        let path = received.uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let meant = format!("{} {path} {}", received.method, received.body.len());
        self.meant.lock().unwrap().push(meant);
        let request = UpstreamRequest {
            method: received.method,
            path,
            headers: received.headers,
            body: received.body,
            may_repeat: false,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        match upstreams.send(agency, request, deadline).await {
            Ok(answer) => {
                let mut response = Response::new(AnswerBody::from(answer.body));
                *response.status_mut() = answer.status.try_into().unwrap();
                response
            }
            Err(failed) => plain_refusal(&failed.fault),
        }
    }
}

impl Handler for Notes {
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        let noted = (received.uri.to_string(), received.body.to_vec());
        self.requests.lock().unwrap().push(noted);
        match received.uri.path() {
            "/wait" => self.go.acquire().await.unwrap().forget(),
            "/large" => return Response::new(Bytes::from(vec![b'x'; LARGE_BYTES]).into()),
            _ => {}
        }
        self.passed_on(*received).await
    }

    fn refuse(&self, _head: &Parts, fault: &Fault) -> Response<AnswerBody> {
        self.refusals.lock().unwrap().push(fault.clone());
        plain_refusal(fault)
    }
}

/// An open door.
pub struct Opened {
    pub address: SocketAddr,
    pub notes: Arc<Notes>,
    pub metrics: Metrics,
    _drain: watch::Sender<bool>,
    _served: JoinHandle<Drained>,
}

/// A door with nothing behind it, or with an agency at that address.
pub async fn open(agency: Option<SocketAddr>) -> Opened {
    let endpoint = agency.map_or("http://127.0.0.1:1".to_owned(), |at| format!("http://{at}"));
    let settings =
        house::settings(house::agency(&endpoint), house::participant(house::quota(1, 1, 1)));
    let metrics = Metrics::new(&settings, &[]).unwrap();
    let upstreams = Upstreams::new(&settings, &metrics).unwrap();
    let notes = Notes {
        requests: Mutex::default(),
        refusals: Mutex::default(),
        meant: Mutex::default(),
        go: Semaphore::new(0),
        agency: agency.map(|_| (upstreams, house::agency(&endpoint))),
    };
    let listener = house::listener(TlsMode::Off);
    let figures = metrics.callers.clone();
    let door = Door::bind(&listener, &house::limits(), None, figures).await.unwrap();
    let (drain, draining) = watch::channel(false);
    let (address, notes) = (door.address(), Arc::new(notes));
    let served = tokio::spawn(door.serve(Arc::clone(&notes), draining));
    Opened { address, notes, metrics, _drain: drain, _served: served }
}

/// What a caller got: whole answers, up to the close of the connection.
#[derive(Debug)]
pub struct Answers(pub Vec<Answer>);

/// One answer that is not interim.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, in small letters.
    pub head: String,
    pub body: Vec<u8>,
}

/// Sends pieces, each of which the door has seen before the next is sent, and reads to the end.
///
/// With `is_half_closed` the caller then says that it has nothing more to send.
pub async fn exchange<'a>(
    address: SocketAddr,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    is_half_closed: bool,
) -> Answers {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        // Refused before all was sent: then the door may have closed.
        if socket.write_all(piece).await.is_err() {
            break;
        }
        if pieces.peek().is_some() {
            tokio::task::yield_now().await;
        }
    }
    if is_half_closed {
        drop(socket.shutdown().await);
    }
    let mut bytes = Vec::new();
    let read = socket.read_to_end(&mut bytes);
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("a close").expect("no reset");
    Answers(answers(&bytes))
}

/// Takes a stream of answers apart; what is left over fails the test.
fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let whole = String::from_utf8_lossy(bytes).into_owned();
        let end = whole.find("\r\n\r\n").unwrap_or_else(|| panic!("half an answer: {whole}")) + 4;
        let head = whole[..end].to_ascii_lowercase();
        let status: u16 = head["http/1.1 ".len()..][..3].parse().expect("a status");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let body = bytes[end..end + length].to_vec();
        bytes = &bytes[end + length..];
        if status >= 200 {
            found.push(Answer { status, head, body });
        }
    }
    found
}
