//! A participant that is told of payments: it takes signed notices, remembers them, and may refuse a while.

use qaqpa::channel::sync::{Message, scan};
use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::command::simulate::door;
use qaqpa::proxy::listener::{AnswerBody, Handler, Received};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::{Signer, wsse};
use qaqpa_kit::adapter::WrittenAnswer;
use qaqpa_kit::envelope::write::{AnswerHead, answer};
use qaqpa_kit::xml::Limits;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What was told, in the order of its coming: payment, version, state.
pub type Told = Vec<(String, i64, String)>;

pub struct Office {
    pub address: SocketAddr,
    books: Arc<Books>,
    _drain: watch::Sender<bool>,
}

struct Books {
    signer: Signer,
    told: Mutex<Told>,
    refusals: AtomicU32,
}

impl Office {
    /// Listens behind mutual TLS, as the demo's agency.
    pub async fn start(scratch: &Scratch) -> Self {
        let pair = &scratch.member("agency").unwrap().pair;
        let own = SocketAddr::from(([127, 0, 0, 1], 0));
        let door = door(own, Some((pair, &scratch.trust_pem))).await.unwrap();
        let (address, (drain, draining)) = (door.address(), watch::channel(false));
        let signer = signer(pair).unwrap();
        let books = Books { signer, told: Mutex::default(), refusals: AtomicU32::new(0) };
        let books = Arc::new(books);
        tokio::spawn(door.serve(Arc::new(Desk(Arc::clone(&books))), draining));
        Self { address, books, _drain: drain }
    }

    pub fn told(&self) -> Told {
        self.books.told.lock().unwrap().clone()
    }

    /// Answers the next so many notices with a status that is no acknowledgement.
    pub fn refuse(&self, times: u32) {
        self.books.refusals.store(times, Ordering::SeqCst);
    }
}

struct Desk(Arc<Books>);

impl Handler for Desk {
    async fn answer(&self, received: Box<Received>) -> hyper::Response<AnswerBody> {
        let document = scan(&received.body, &Limits::default()).unwrap();
        let message = Message::read(&document).unwrap();
        let envelope = message.envelope.as_ref().expect("an envelope");
        let now_unix_s = received.received_at_us / 1_000_000;
        wsse::verify(envelope, &[], &CertificateCache::default(), now_unix_s).expect("signed");
        let request = &message.request;
        assert_eq!(request.service_id, "PAY_Notice");
        let text = String::from_utf8_lossy(&received.body).into_owned();
        let cut = |name: &str| {
            let (_, tail) = text.split_once(&format!("<{name}>")).expect(name);
            tail.split_once("</").unwrap().0.to_owned()
        };
        let is_refused = self
            .0
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        let status = if is_refused { "SCSE001" } else { "SCSS001" };
        if !is_refused {
            let told = (cut("paymentId"), cut("version").parse().unwrap(), cut("state"));
            self.0.told.lock().unwrap().push(told);
        }
        let head = AnswerHead {
            message_id: "answer",
            correlation_id: &request.correlation_id,
            response_date: "2026-11-28T10:00:00.000+05:00",
            session_id: "",
        };
        let written = answer(&head, &WrittenAnswer::new(status, "taken", None));
        let signed = wsse::sign(written.as_bytes(), &self.0.signer).unwrap();
        let body = AnswerBody::from(bytes::Bytes::from(signed));
        let mut response = hyper::Response::new(body);
        let xml = hyper::header::HeaderValue::from_static("text/xml; charset=utf-8");
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, xml);
        response
    }
}
