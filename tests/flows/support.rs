//! A whole installation to test with, callers who sign, and the journal read back.

use bytes::Bytes;
use qaqpa::command::Failure;
use qaqpa::command::client::{Client, Posted};
use qaqpa::command::demo::installation::{self as demo, Conduct};
use qaqpa::command::demo::pki::{self, Family, Pair, Root};
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::journal::entry::EntryId;
use qaqpa::journal::record::{ClosedRecord, Record};
use qaqpa::sign::{Signer, wsse};
use qaqpa::simulate::Behaviour;
use qaqpa_kit::envelope::write::{RequestHead, request};
use qaqpa_kit::xml::{Document, Element, Limits};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PERSONS: &str = "GBDFL_UniversalServiceSync";
pub const PERSON: &str = "<messageId>1</messageId>\
    <messageDate>2026-11-22T10:15:30+05:00</messageDate>\
    <senderCode>DEMO</senderCode><iin>850312300121</iin>";

/// Longer than anything here takes; a test that waits for ever ends by it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What differs from the demo's own installation: TOML laid over its files.
#[derive(Default)]
pub struct Plan {
    pub gateway: String,
    pub services: String,
    /// By id; one that the demo does not have is added.
    pub participants: Vec<(&'static str, String)>,
    pub behaviours: HashMap<&'static str, Behaviour>,
    pub store: Option<String>,
}

type Seen = Arc<Mutex<Vec<(String, Bytes)>>>;

pub struct Installation {
    pub inner: demo::Installation,
    pub state: tempfile::TempDir,
    seen: Seen,
}

impl Installation {
    pub async fn start() -> Self {
        Self::with(Plan::default()).await
    }

    pub async fn with(plan: Plan) -> Self {
        let started = Self::try_with(plan).await;
        started.unwrap_or_else(|failure| panic!("no installation: {failure}"))
    }

    pub async fn try_with(plan: Plan) -> Result<Self, Failure> {
        let state = tempfile::tempdir().unwrap();
        copy_keys(&state.path().join("pki"));
        let seen = Seen::default();
        let conduct = |id: &str| {
            let (id, seen) = (id.to_owned(), Arc::clone(&seen));
            let behaviour = plan.behaviours.get(&*id).copied().unwrap_or_default();
            let observer = move |body: &Bytes| {
                seen.lock().unwrap().push((id.clone(), body.clone()));
            };
            Conduct { behaviour, observer: Some(Box::new(observer)) }
        };
        let edit = |scratch: &Scratch| plan.apply(state.path(), scratch);
        let store = plan.store.as_deref();
        let inner = demo::Installation::start_with(state.path(), store, conduct, edit).await?;
        Ok(Self { inner, state, seen })
    }

    /// A participant of the demo, or `lenient`, with its own certificate at the first door.
    pub fn caller(&self, id: &str) -> Caller {
        self.caller_at(&self.inner.soap_url(), id, Some(id))
    }

    /// A participant at another door, showing the TLS certificate of `shown`.
    pub fn caller_at(&self, url: &str, id: &str, shown: Option<&str>) -> Caller {
        let shown = shown.map(|id| self.pair(id));
        let own = shown.as_ref().map(|pair| (&*pair.cert_pem, &*pair.key_pem));
        let client = Client::new(url, &self.inner.scratch.trust_pem, own).unwrap();
        let (sender_id, password) = match self.inner.scratch.member(id) {
            Ok(member) => (member.sender_id, member.password),
            Err(_) => ("lenient_fund", "demo-lenient"),
        };
        Caller { sender_id, password, signer: demo::signer(&self.pair(id)).unwrap(), client }
    }

    pub fn pair(&self, id: &str) -> Pair {
        let folder = self.state.path().join("pki");
        Pair {
            key_pem: folder.join(format!("{id}.key.pem")),
            cert_pem: folder.join(format!("{id}.cert.pem")),
        }
    }

    /// What the journal says of the call that was answered so, once it is closed.
    pub async fn entry(&self, posted: &Posted) -> Entry {
        let id = posted.entry.as_deref().expect("the answer names its entry");
        self.entry_of(id).await
    }

    pub async fn entry_of(&self, id: &str) -> Entry {
        let id: EntryId = id.parse().unwrap();
        let closed = async {
            loop {
                let record = self.inner.running.gate.journal.entry(id).await.unwrap();
                if let Some(Record { closed: Some(_), .. }) = &record {
                    return record.unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        let record = tokio::time::timeout(PATIENCE, closed).await.expect("a closed entry");
        let closed = record.closed.clone().unwrap();
        Entry { record, closed }
    }

    /// Bodies that reached an agency, in their order.
    pub fn requests_of(&self, agency: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let bodies = seen.iter().filter(|(id, _)| id == agency);
        bodies.map(|(_, body)| String::from_utf8_lossy(body).into_owned()).collect()
    }

    pub fn last_request_of(&self, agency: &str) -> String {
        self.requests_of(agency).pop().expect("a request reached the agency")
    }

    /// How many requests reached any agency.
    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// One sample of /metrics, 0 where it is not there.
    pub async fn metric(&self, sample: &str) -> f64 {
        let page = get(&self.inner.running.ops.to_string(), "/metrics").await;
        let line = page.lines().find_map(|line| line.strip_prefix(sample));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    pub async fn faults(&self, code: &str) -> f64 {
        self.metric(&format!("qaqpa_faults_total{{code=\"{code}\"}} ")).await
    }

    /// Stops everything; no call may be cut.
    pub async fn stop(self) {
        assert_eq!(self.inner.stop().await, 0, "calls were cut");
    }
}

impl Plan {
    fn apply(&self, state: &Path, scratch: &Scratch) -> Result<(), Failure> {
        let config = &scratch.config;
        let pair = Root::find_or_make(&state.join("pki"))?.pair(
            &state.join("pki"),
            "lenient",
            "120940000452",
            Family::EcdsaP256,
        )?;
        pki::write(&config.join("secrets/lenient.password"), "demo-lenient\n")?;
        let lenient = format!(
            "id = \"lenient\"\nsender_id = \"lenient_fund\"\nservices = [\"*\"]\n\
             name = {{ kk = \"l\", ru = \"l\", en = \"l\" }}\naccept = [\"unsigned\", \"bare\"]\n\
             password_file = \"../secrets/lenient.password\"\n\
             [[certificate]]\nfile = {:?}\n",
            pair.cert_pem
        );
        lay_over(&config.join("participants/lenient.toml"), &lenient);
        lay_over(&config.join("gateway.toml"), &self.gateway);
        lay_over(&config.join("services.toml"), &self.services);
        for (id, text) in &self.participants {
            lay_over(&config.join(format!("participants/{id}.toml")), text);
        }
        Ok(())
    }
}

/// Lays TOML over a file: tables are merged, everything else is replaced.
fn lay_over(path: &Path, text: &str) {
    let mut whole: toml::Table = std::fs::read_to_string(path).unwrap_or_default().parse().unwrap();
    merge(&mut whole, text.parse().expect("TOML of the test"));
    pki::write(path, &whole.to_string()).unwrap();
}

fn merge(into: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(over)) => merge(into, over),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// RSA keys are slow to make, so they are made once and kept beside the build.
fn copy_keys(into: &Path) {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("flows-pki");
    if !kept.is_dir() {
        let made = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Scratch::prepare(made.path()).unwrap();
        // Another process may have been first; its keys are as good.
        drop(std::fs::rename(made.path().join("pki"), &kept));
    }
    std::fs::create_dir_all(into).unwrap();
    for file in std::fs::read_dir(kept).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), into.join(file.file_name())).unwrap();
    }
}

/// One entry of the journal, closed.
pub struct Entry {
    pub record: Record,
    pub closed: ClosedRecord,
}

impl Entry {
    /// `Done`, or `Refused caller.unsigned verify`.
    pub fn line(&self) -> String {
        let fault = [&self.closed.fault_code, &self.closed.fault_phase];
        let words = fault.into_iter().flatten().map(String::as_str);
        std::iter::once(&*self.closed.outcome).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// A participant that signs and posts.
pub struct Caller {
    pub sender_id: &'static str,
    pub password: &'static str,
    pub signer: Signer,
    pub client: Client,
}

impl Caller {
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
            message_date: "2026-11-22T10:15:30.125+05:00",
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
