//! An agency over a bare socket, which may answer any bytes, none, or only when told.

use crate::support::kept_pair;
use qaqpa::command::demo::installation::signer;
use qaqpa::sign::wsse;
use qaqpa_kit::adapter::WrittenAnswer;
use qaqpa_kit::envelope::write::{AnswerHead, FaultInfo, answer, fault};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

/// Services of the stand-in: one that pays, and one that only tells.
pub const PAY: &str = "TEST_Pay";
pub const READ: &str = "TEST_Read";

/// What is written to a request; `None`: nothing, for ever.
type Answerer = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

#[derive(Clone)]
pub struct StandIn {
    pub address: SocketAddr,
    answerer: Arc<Mutex<Answerer>>,
    seen: Arc<Mutex<Vec<String>>>,
    arrived: Arc<Notify>,
    go: Arc<Semaphore>,
}

impl StandIn {
    /// Answers every request `SCSS001`, well signed.
    pub async fn start() -> Self {
        let standin = Self::holding().await;
        standin.go.add_permits(Semaphore::MAX_PERMITS / 2);
        standin
    }

    /// Keeps every request until [`StandIn::release`].
    pub async fn holding() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let standin = Self {
            address: socket.local_addr().unwrap(),
            answerer: Arc::new(Mutex::new(Arc::new(|_| Some(done("SCSS001"))))),
            seen: Arc::default(),
            arrived: Arc::default(),
            go: Arc::new(Semaphore::new(0)),
        };
        let server = standin.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = socket.accept().await {
                tokio::spawn(server.clone().serve(socket));
            }
        });
        standin
    }

    /// Lets so many requests be answered, those that wait and those that will come.
    pub fn release(&self, requests: usize) {
        self.go.add_permits(requests);
    }

    pub fn answer(&self, answerer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) {
        *self.answerer.lock().unwrap() = Arc::new(answerer);
    }

    /// How many requests arrived.
    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Returns when so many requests have arrived.
    pub async fn until_requests(&self, count: usize) {
        let arriving = async {
            loop {
                let arrived = self.arrived.notified();
                if self.requests() >= count {
                    return;
                }
                arrived.await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        let waited = tokio::time::timeout(patience, arriving).await;
        waited.unwrap_or_else(|_| panic!("{} of {count} requests arrived", self.requests()));
    }

    async fn serve(self, mut socket: TcpStream) {
        let Some(body) = read(&mut socket).await else { return };
        self.seen.lock().unwrap().push(body.clone());
        self.arrived.notify_waiters();
        self.go.acquire().await.unwrap().forget();
        let answerer = Arc::clone(&self.answerer.lock().unwrap());
        match answerer(&body) {
            Some(bytes) => drop(socket.write_all(&bytes).await),
            // Until the gateway has had enough.
            None => drop(socket.read(&mut [0]).await),
        }
    }

    /// `services.toml` that puts it behind [`PAY`] and [`READ`].
    pub fn services(&self, deadline_ms: u32) -> String {
        services(self.address, deadline_ms)
    }
}

/// As [`StandIn::services`], for an address where perhaps nobody is.
pub fn services(address: SocketAddr, deadline_ms: u32) -> String {
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    let service = |id: &str, more: &str| {
        format!(
            "[agency.treasury.service.{id}]\n{name}{more}done_codes = [\"SCSS001\"]\n\
             refused_codes = [\"SCSE001\", \"SCE015\"]\n"
        )
    };
    format!(
        "[agency.treasury]\nadapter = \"passthrough\"\nwire = \"sync_v10\"\n{name}\
         endpoint = \"http://{address}/\"\ndeadline_ms = {deadline_ms}\n\
         breaker = {{ failures = 1000, open_ms = 1000 }}\n\
         quota = {{ per_second = 5000, burst = 5000, in_flight_max = 512 }}\nconnections_max = 256\n\
         [[agency.treasury.answer_certificate]]\nfile = \"../pki/agency.cert.pem\"\n{}{}",
        service(PAY, "message_id = \"unique\"\n"),
        service(READ, "idempotent = true\n"),
    )
}

async fn read(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length.expect("a length") {
                return Some(body.to_owned());
            }
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A whole HTTP answer.
pub fn http(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/xml; charset=utf-8\r\n{more}\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// An unsigned answer with that status code.
pub fn unsigned(code: &str) -> String {
    let head = AnswerHead {
        message_id: "agency-1",
        correlation_id: "",
        response_date: "2026-11-22T10:15:31.000+05:00",
        session_id: "",
    };
    answer(&head, &WrittenAnswer::new(code, "said by the stand-in", Some("<paid/>".to_owned())))
}

/// An unsigned SOAP fault.
pub fn unsigned_fault(code: &str) -> String {
    fault(&FaultInfo {
        error_code: code,
        error_message: "refused by the stand-in",
        error_data: "",
        error_date: "2026-11-22T10:15:31.000+05:00",
        session_id: "",
        is_callers: true,
    })
}

/// A document signed by one of the demo's participants.
pub fn signed_by(id: &str, document: &str) -> Vec<u8> {
    wsse::sign(document.as_bytes(), &signer(&kept_pair(id)).unwrap()).unwrap()
}

/// HTTP 200 with that status code, signed by the agency.
pub fn done(code: &str) -> Vec<u8> {
    http("200 OK", "", &signed_by("agency", &unsigned(code)))
}
