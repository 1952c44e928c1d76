//! What the load runs against: a scratch installation, an agency of this process, the shipped gateway beside it.

use super::Fallible;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Response, StatusCode};
use qaqpa::command::demo::installation::{Conduct, stand};
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use qaqpa::proxy::listener::{AnswerBody, Door, Handler, Received};
use qaqpa::simulate::SimulatedAgency;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Core of the gateway; callers and agency share [`LOAD_CORE`].
pub(super) const GATEWAY_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// Both, for a gateway that shares one of them with its callers.
#[allow(dead_code, reason = "not every bench asks for it")]
pub(super) const BOTH_CORES: &str = "0,1";

/// `limits.lag_ms_max` as it is shipped. The demo's node may be later, because machines that show it may be busy.
const LAG_MS_MAX: u32 = 50;
/// How long the gateway may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// An agency that signs one answer and gives it to everybody.
///
/// The gateway's work for it is the same as for a fresh one; the agency's own RSA signature and
/// verification, dearer than the whole gateway, would make the agency what is measured.
pub(super) struct Replaying {
    agency: SimulatedAgency,
    first: OnceLock<(hyper::HeaderMap, Bytes)>,
}

impl Handler for Replaying {
    async fn answer(&self, received: Box<Received>) -> Response<AnswerBody> {
        if self.first.get().is_none() {
            let (head, body) = self.agency.answer(received).await.into_parts();
            if head.status != StatusCode::OK {
                return Response::from_parts(head, body);
            }
            let body = body.collect().await.map_or_else(|_cut| Bytes::new(), |all| all.to_bytes());
            self.first.get_or_init(|| (head.headers, body));
        }
        let (headers, body) = self.first.get().cloned().unwrap_or_default();
        let mut response = Response::new(AnswerBody::from(body));
        *response.headers_mut() = headers;
        response
    }
}

/// Starts the agency on this runtime; where it listens. It stops with the runtime.
pub(super) async fn start_agency(scratch: &Scratch) -> Fallible<SocketAddr> {
    start_behind(scratch, |agency| agency).await
}

/// The same behind what stands before it.
pub(super) async fn start_behind<H: Handler>(
    scratch: &Scratch,
    before: impl FnOnce(Replaying) -> H,
) -> Fallible<SocketAddr> {
    let (door, agency) = stand(scratch, "gbd_fl", Conduct::default())?.open().await?;
    let address = door.address();
    serve(door, before(Replaying { agency, first: OnceLock::new() }));
    Ok(address)
}

/// Starts the stand-in for an agency that signs nothing, which answers each question by itself.
#[allow(dead_code, reason = "one bench asks it")]
pub(super) async fn start_simulated(scratch: &Scratch, id: &str) -> Fallible<SocketAddr> {
    let (door, agency) = stand(scratch, id, Conduct::default())?.open().await?;
    let address = door.address();
    serve(door, agency);
    Ok(address)
}

fn serve(door: Door, handler: impl Handler) {
    let (open, drain) = watch::channel(false);
    tokio::spawn(async move {
        let _open = open;
        door.serve(Arc::new(handler), drain).await
    });
}

/// Keeps this process to its core; threads started from here on inherit it.
pub(super) fn pin() -> Fallible<()> {
    keep_to(LOAD_CORE)
}

/// Keeps it to these cores.
pub(super) fn keep_to(cores: &str) -> Fallible<()> {
    let own_id = std::process::id().to_string();
    let taskset = Command::new("taskset").args(["-cp", cores, &own_id]).output();
    let pinned = taskset.map_err(|cause| format!("taskset, of util-linux: {cause}"))?;
    if pinned.status.success() {
        return Ok(());
    }
    Err(format!("taskset: {}", String::from_utf8_lossy(&pinned.stderr)).into())
}

/// What differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    /// With what the gateway signs its answers, as `answer_signature` writes it; the caller's and the
    /// agency's keys are RSA-2048.
    pub(super) answers: &'static str,
    /// Mutual TLS towards the caller; without it WS-Security alone proves him.
    pub(super) is_tls: bool,
    /// The journal's PostgreSQL; else SQLite.
    pub(super) store: Option<String>,
    /// The gateway's cores, as `taskset` takes them.
    pub(super) cores: &'static str,
    /// How late the node may be before it refuses: as shipped, where no scenario needs more.
    pub(super) lag_ms_max: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            answers: "ecdsa",
            is_tls: true,
            store: None,
            cores: GATEWAY_CORE,
            lag_ms_max: LAG_MS_MAX,
        }
    }
}

/// Writes the installation's files: the demo's, with quotas out of the way and the log of production.
pub(super) fn configure(scratch: &Scratch, agency: SocketAddr, setup: &Setup) -> Fallible<()> {
    let endpoints = Endpoints { persons: agency, companies: agency, addresses: agency };
    scratch.write(&endpoints, setup.store.as_deref())?;
    let gateway = scratch.config.join("gateway.toml");
    let answers = setup.answers;
    let signing = format!("[signing]\nanswer_signature = {answers:?}\n\n[[signing.key]]");
    edit(&gateway, "[[signing.key]]", &signing)?;
    edit(&gateway, "log_level = \"warn\"", "log_level = \"info\"")?;
    edit(&gateway, "lag_ms_max = 2000", &format!("lag_ms_max = {}", setup.lag_ms_max))?;
    if !setup.is_tls {
        edit(&gateway, "tls = \"mutual\"", "tls = \"off\"")?;
        drop_lines(&gateway, ["certificate_file", "key_file"])?;
    }
    let (slow, fast) = ("per_second = 2000, burst = 2000", "per_second = 500000, burst = 500000");
    edit(&scratch.config.join("participants/portal.toml"), slow, fast)?;
    edit(&scratch.config.join("services.toml"), "per_second = 5000, burst = 5000", fast)
}

/// Drops the first line that begins with each key.
fn drop_lines(path: &Path, keys: [&str; 2]) -> Fallible<()> {
    let mut text = fs::read_to_string(path)?;
    for key in keys {
        let line = text.lines().find(|line| line.starts_with(key)).ok_or("no such key")?;
        text = text.replacen(&format!("{line}\n"), "", 1);
    }
    Ok(fs::write(path, text)?)
}

/// Replaces the first `from`; that it is missing is an error, so that nothing is measured by mistake.
pub(super) fn edit(path: &Path, from: &str, to: &str) -> Fallible<()> {
    let text = replaced(&fs::read_to_string(path)?, from, to);
    Ok(fs::write(path, text.map_err(|cause| format!("{}: {cause}", path.display()))?)?)
}

/// The same of a text.
pub(super) fn replaced(text: &str, from: &str, to: &str) -> Fallible<String> {
    match text.contains(from) {
        true => Ok(text.replacen(from, to, 1)),
        false => Err(format!("{from} is missing").into()),
    }
}

/// The gateway's process, pinned to its core.
pub(super) struct Gateway {
    process: Child,
    /// Where callers are served.
    pub(super) address: SocketAddr,
    journal: PathBuf,
}

impl Gateway {
    /// Starts `binary serve` on its core with an empty journal.
    #[allow(dead_code, reason = "one bench asks for other cores")]
    pub(super) fn start(binary: &Path, scratch: &Scratch) -> Fallible<Self> {
        Self::start_on(GATEWAY_CORE, binary, scratch)
    }

    /// The same on these cores.
    pub(super) fn start_on(cores: &str, binary: &Path, scratch: &Scratch) -> Fallible<Self> {
        let folder = scratch.config.parent().ok_or("no folder")?;
        let ready = folder.join("ready.json");
        for path in [ready.clone(), scratch.journal.clone()] {
            for ending in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(ending);
                drop(fs::remove_file(name));
            }
        }
        let mut process = Command::new("taskset")
            .args(["-c", cores])
            .arg(binary)
            .args(["serve", "--config"])
            .arg(&scratch.config)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(File::create(folder.join("gateway.log"))?)
            .spawn()?;
        let started = Instant::now();
        while !ready.exists() {
            if let Some(ended) = process.try_wait()? {
                return Err(format!("the gateway did not start: {ended}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("the gateway does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let said: serde_json::Value = serde_json::from_str(&fs::read_to_string(&ready)?)?;
        let url = said.pointer("/callers/0").and_then(|url| url.as_str()).unwrap_or_default();
        let address = url.rsplit("//").next().unwrap_or_default().parse()?;
        Ok(Self { process, address, journal: scratch.journal.clone() })
    }

    /// The process's id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Drains it.
    pub(super) fn end(&mut self) -> Fallible<()> {
        let id = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let ended = self.process.wait()?;
        if !ended.success() {
            return Err(format!("the gateway ended with {ended}").into());
        }
        Ok(())
    }

    /// Drains it and reads the SQLite journal that it leaves.
    pub(super) fn stop(mut self) -> Fallible<Kept> {
        self.end()?;
        let journal = rusqlite::Connection::open(&self.journal)?;
        let count = |of: &str| journal.query_row(of, (), |row| row.get::<_, i64>(0));
        Ok(Kept {
            opened: count("SELECT count(*) FROM entry_opened")?,
            done: count("SELECT count(*) FROM entry_closed WHERE outcome = 'Done'")?,
        })
    }
}

impl Drop for Gateway {
    /// For the way out by an error; after [`Gateway::stop`] there is nothing left to end.
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What the journal holds at the end.
pub(super) struct Kept {
    pub(super) opened: i64,
    pub(super) done: i64,
}
