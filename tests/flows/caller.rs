//! Callers who sign and post, and readers of what came back.

use crate::support::{PATIENCE, pair_in};
use qaqpa::command::client::{Client, Posted};
use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::command::now_unix_us;
use qaqpa::proxy::trace::Trace;
use qaqpa::sign::{Signer, wsse};
use qaqpa_kit::envelope::write::{RequestHead, request};
use qaqpa_kit::xml::{Document, Element, Limits};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PERSONS: &str = "GBDFL_UniversalServiceSync";
pub const PERSON: &str = "<messageId>1</messageId>\
    <messageDate>2026-11-22T10:15:30+05:00</messageDate>\
    <senderCode>DEMO</senderCode><iin>850312300121</iin>";

/// A participant that signs and posts.
pub struct Caller {
    pub sender_id: &'static str,
    pub password: &'static str,
    pub signer: Signer,
    pub client: Client,
}

impl Caller {
    /// A participant of the demo, or `lenient`; `shown` names whose TLS certificate it shows.
    pub fn new(scratch: &Scratch, url: &str, id: &str, shown: Option<&str>) -> Self {
        let folder = scratch.trust_pem.parent().unwrap();
        let shown = shown.map(|id| pair_in(folder, id));
        let own = shown.as_ref().map(|pair| (&*pair.cert_pem, &*pair.key_pem));
        let client = Client::new(url, &scratch.trust_pem, own).unwrap();
        let (sender_id, password) = match scratch.member(id) {
            Ok(member) => (member.sender_id, member.password),
            Err(_) => ("lenient_fund", "demo-lenient"),
        };
        Self { sender_id, password, signer: signer(&pair_in(folder, id)).unwrap(), client }
    }

    pub fn fresh_id() -> String {
        uuid::Uuid::new_v4().to_string()
    }

    /// An unsigned message with a messageId of its own.
    pub fn message(&self, service: &str, data: &str) -> String {
        self.message_with_id(&Self::fresh_id(), service, data)
    }

    pub fn message_with_id(&self, message_id: &str, service: &str, data: &str) -> String {
        let head = RequestHead {
            message_id,
            correlation_id: "",
            service_id: service,
            message_date: &STARTED,
            route_id: "",
            sender_id: self.sender_id,
            password: self.password,
            session_id: "",
        };
        request(&head, data)
    }

    pub fn sign(&self, message: &str) -> Vec<u8> {
        wsse::sign(message.as_bytes(), &self.signer).unwrap()
    }

    pub async fn post(&self, body: impl Into<Vec<u8>>) -> Posted {
        self.client.post(body.into()).await.unwrap()
    }

    pub async fn post_as(&self, body: impl Into<Vec<u8>>, content_type: &str) -> Posted {
        self.client.post_as(body.into(), content_type).await.unwrap()
    }

    /// Signs and posts a new message.
    pub async fn ask(&self, service: &str, data: &str) -> Posted {
        self.post(self.sign(&self.message(service, data))).await
    }
}

pub fn text(posted: &Posted) -> String {
    String::from_utf8_lossy(&posted.body).into_owned()
}

/// The first element of that local name, seen by `read`.
pub fn in_element<T>(xml: &str, local: &str, read: impl FnOnce(Element<'_>) -> T) -> Option<T> {
    let limits = Limits { depth_max: 1024, ..Limits::default() };
    let document = Document::scan(xml.as_bytes(), &limits)
        .unwrap_or_else(|error| panic!("{} at {}: {xml}", error.reason, error.at));
    let found = document.root().descendants().find(|element| element.local() == local);
    found.map(read)
}

/// What stands inside the business `data`, byte for byte.
pub fn data_of(message: &str) -> String {
    in_element(message, "data", |data| data.content_str().to_owned()).expect("data")
}

/// `GET path`, the whole answer.
pub async fn get(authority: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(authority).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A person's request as `data`, told apart by `mark`.
pub fn person(mark: &str) -> String {
    PERSON.replace("DEMO", mark)
}

/// Looks at a condition every few milliseconds until it holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(3));
    let waiting = async {
        while !holds() {
            looks.tick().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("never came true: {what}"));
}

/// When the tests began: within every window, and the same in all messages.
pub static STARTED: LazyLock<String> = LazyLock::new(|| Trace::date(now_unix_us()));
