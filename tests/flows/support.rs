//! A whole installation to test with, callers who sign, and the journal read back.

use crate::caller::{Caller, get};
use crate::postgres::Cluster;
use bytes::Bytes;
use qaqpa::command::client::Posted;
use qaqpa::command::demo::installation::{self as demo, Agencies, Conduct};
use qaqpa::command::demo::pki::{self, Family, Pair, Root};
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::config::{self, settings::Settings};
use qaqpa::journal::entry::EntryId;
use qaqpa::journal::record::{ClosedRecord, Record};
use qaqpa::journal::{self, Journal};
use qaqpa::payments;
use qaqpa::proxy::start::Running;
use qaqpa::simulate::Behaviour;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than anything here takes; a test that waits for ever ends by it.
pub const PATIENCE: Duration = Duration::from_secs(20);

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

/// Agencies that listen, and a configuration for a gateway before them.
pub struct Ground {
    pub state: tempfile::TempDir,
    pub scratch: Scratch,
    pub agencies: Agencies,
    seen: Seen,
}

impl Ground {
    pub async fn lay(plan: &Plan) -> Self {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("pki");
        std::fs::create_dir_all(&folder).unwrap();
        for file in std::fs::read_dir(kept_keys()).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        let scratch = Scratch::prepare(state.path()).unwrap();
        let seen = Seen::default();
        let conduct = |id: &str| {
            let (id, seen) = (id.to_owned(), Arc::clone(&seen));
            let behaviour = plan.behaviours.get(&*id).copied().unwrap_or_default();
            let observer = move |body: &Bytes| {
                seen.lock().unwrap().push((id.clone(), body.clone()));
            };
            Conduct { behaviour, observer: Some(Box::new(observer)) }
        };
        let agencies = Agencies::start(&scratch, conduct).await.unwrap();
        scratch.write(&agencies.endpoints, plan.store.as_deref()).unwrap();
        plan.apply(&folder, &scratch);
        Self { state, scratch, agencies, seen }
    }

    /// The settings of its configuration.
    pub fn settings(&self) -> Settings {
        config::load(&self.scratch.config).unwrap_or_else(|errors| panic!("{errors}"))
    }
}

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
        Self::changed(plan, |_| ()).await
    }

    /// With settings that no configuration could say.
    pub async fn changed(plan: Plan, change: impl FnOnce(&mut Settings)) -> Self {
        let ground = Ground::lay(&plan).await;
        let mut settings = ground.settings();
        change(&mut settings);
        if plan.store.is_some() {
            journal::migrate(&settings.journal.store, 2).await.unwrap();
            payments::migrate(&settings.payments.store).await.unwrap();
        }
        let running = Running::start(settings).await.unwrap();
        let Ground { state, scratch, agencies, seen } = ground;
        Self { inner: demo::Installation::over(scratch, running, agencies), state, seen }
    }

    /// A participant of the demo, or `lenient`, with its own certificate at the first door.
    pub fn caller(&self, id: &str) -> Caller {
        self.caller_at(&self.inner.soap_url(), id, Some(id))
    }

    /// A participant at another door, showing the TLS certificate of `shown`.
    pub fn caller_at(&self, url: &str, id: &str, shown: Option<&str>) -> Caller {
        Caller::new(&self.inner.scratch, url, id, shown)
    }

    /// What the journal says of the call that was answered so, once it is closed.
    pub async fn entry(&self, posted: &Posted) -> Entry {
        let id = posted.entry.as_deref().expect("the answer names its entry");
        self.entry_of(id).await
    }

    pub async fn entry_of(&self, id: &str) -> Entry {
        entry_in(&self.inner.running.gate.journal, id).await
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
    fn apply(&self, pki: &Path, scratch: &Scratch) {
        let config = &scratch.config;
        let root = Root::find_or_make(pki).unwrap();
        let pair = root.pair(pki, "lenient", "120940000452", Family::EcdsaP256).unwrap();
        pki::write(&config.join("secrets/lenient.password"), b"demo-lenient\n").unwrap();
        let lenient = format!(
            "id = \"lenient\"\nsender_id = \"lenient_fund\"\nservices = [\"*\"]\n\
             name = {{ kk = \"l\", ru = \"l\", en = \"l\" }}\naccept = [\"unsigned\", \"bare\"]\n\
             password_file = \"../secrets/lenient.password\"\n\
             [[certificate]]\nfile = {:?}\n",
            pair.cert_pem
        );
        lay_over(&config.join("participants/lenient.toml"), &lenient);
        if self.store.is_some() {
            // Many tests share one server.
            let few = "[journal.postgres]\nconnections_max = 4\n";
            lay_over(&config.join("gateway.toml"), few);
        }
        lay_over(&config.join("gateway.toml"), &self.gateway);
        lay_over(&config.join("services.toml"), &self.services);
        for (id, text) in &self.participants {
            lay_over(&config.join(format!("participants/{id}.toml")), text);
        }
    }
}

/// Lays TOML over a file: tables are merged, everything else is replaced.
pub fn lay_over(path: &Path, text: &str) {
    let mut whole: toml::Table = std::fs::read_to_string(path).unwrap_or_default().parse().unwrap();
    merge(&mut whole, text.parse().expect("TOML of the test"));
    pki::write(path, whole.to_string().as_bytes()).unwrap();
}

fn merge(into: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(over)) => merge(into, over),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// RSA keys are slow to make, so all are made once and kept beside the build.
fn kept_keys() -> PathBuf {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("flows-pki");
    if !kept.is_dir() {
        let made = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Scratch::prepare(made.path()).unwrap();
        // Another process may have been first; its keys are as good.
        drop(std::fs::rename(made.path().join("pki"), &kept));
    }
    kept
}

pub fn pair_in(folder: &Path, id: &str) -> Pair {
    Pair {
        key_pem: folder.join(format!("{id}.key.pem")),
        cert_pem: folder.join(format!("{id}.cert.pem")),
    }
}

/// A participant's pair, the same in every installation.
pub fn kept_pair(id: &str) -> Pair {
    pair_in(&kept_keys(), id)
}

/// One entry of the journal, closed.
pub struct Entry {
    pub record: Record,
    pub closed: ClosedRecord,
}

/// What a journal says of an entry, once it is closed.
pub async fn entry_in(journal: &Journal, id: &str) -> Entry {
    let id: EntryId = id.parse().unwrap();
    let mut looks = tokio::time::interval(Duration::from_millis(3));
    let closed = async {
        loop {
            looks.tick().await;
            let record = journal.entry(id).await.unwrap();
            if let Some(Record { closed: Some(_), .. }) = &record {
                return record.unwrap();
            }
        }
    };
    let record = tokio::time::timeout(PATIENCE, closed).await.expect("a closed entry");
    let closed = record.closed.clone().unwrap();
    Entry { record, closed }
}

impl Entry {
    /// `Done`, or `Refused caller.unsigned verify`.
    pub fn line(&self) -> String {
        let fault = [&self.closed.fault_code, &self.closed.fault_phase];
        let words = fault.into_iter().flatten().map(String::as_str);
        std::iter::once(&*self.closed.outcome).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// A new database of the test's own PostgreSQL, for its owner.
pub async fn postgres_url() -> String {
    let made = tokio::task::spawn_blocking(|| {
        let cluster = Cluster::shared();
        cluster.url("qaqpa_migrate", &cluster.database())
    });
    made.await.unwrap()
}
