//! An installation of processes: two simulated agencies, the gateway under test, and its store.

use crate::postgres::Cluster;
use qaqpa::command::client::Client;
use qaqpa::command::demo::scratch::{Endpoints, Scratch};
use qaqpa::config::settings::Store;
use qaqpa::journal::migrate;
use qaqpa::payments;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::interval;
use zeroize::Zeroizing;

/// How soon a gateway must be ready again after a crash.
pub const READY_MAX: Duration = Duration::from_secs(2);
/// Nothing here takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);
/// The service that may be asked twice, and the one that may not.
pub const READ: &str = "GBDFL_UniversalServiceSync";
pub const PAYMENT: &str = "TEST_Payment";

/// A process that ends with its owner, whatever ends that.
pub struct Process(pub Child);

impl Process {
    /// Starts `command` so that the kernel kills it when the thread that calls this is gone.
    pub fn start(command: &[&str], log: &Path) -> Self {
        let log = OpenOptions::new().append(true).create(true).open(log).unwrap();
        let mut process = Command::new("setpriv");
        process.args(["--pdeathsig", "KILL"]).args(command);
        Self(process.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM, and its end.
    pub fn terminate(&mut self) {
        let process = self.0.id().to_string();
        assert!(Command::new("kill").arg(process).status().unwrap().success());
        self.0.wait().unwrap();
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_before = self.0.kill();
        let _waited_before = self.0.wait();
    }
}

/// A process that stands still until this is dropped.
pub struct Paused(u32);

impl Paused {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(name).arg(self.0.to_string()).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// The installation, without its gateway.
pub struct House {
    pub scratch: Scratch,
    pub folder: TempDir,
    /// The cluster and the database, on PostgreSQL.
    pub database: Option<(Cluster, String)>,
    agencies: [(&'static str, SocketAddr, Process); 2],
}

/// A gateway that is ready.
pub struct Gate {
    pub process: Process,
    pub soap_url: String,
    pub ops: SocketAddr,
    /// From its start until it was ready.
    pub took: Duration,
}

impl House {
    /// An installation on a SQLite file.
    pub async fn on_sqlite() -> Self {
        Self::new(None, None).await
    }

    /// An installation on a SQLite file that lies on this disk, while all else lies elsewhere.
    pub async fn on_disk(disk: &Path) -> Self {
        Self::new(None, Some(disk)).await
    }

    /// An installation on a PostgreSQL cluster of its own, migrated.
    pub async fn on_postgres() -> Self {
        Self::on_cluster(Cluster::start()).await
    }

    /// The same on this cluster.
    pub async fn on_cluster(cluster: Cluster) -> Self {
        let database = cluster.database();
        let owner = Zeroizing::new(cluster.url("qaqpa_migrate", &database));
        let store = Store::Postgres { url: owner, connections_max: 2 };
        migrate(&store, 1).await.unwrap();
        payments::migrate(&store).await.unwrap();
        Self::new(Some((cluster, database)), None).await
    }

    /// An installation on a cluster that a standby follows, which is given back too.
    pub async fn on_two_servers() -> (Self, Cluster) {
        let house = Self::on_postgres().await;
        let (cluster, database) = house.database.as_ref().unwrap();
        let standby = cluster.standby();
        let url = cluster.url_with(&standby, "qaqpa_app", database);
        std::fs::write(house.scratch.config.join("secrets/store.url"), url).unwrap();
        (house, standby)
    }

    async fn new(database: Option<(Cluster, String)>, disk: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = database.as_ref().map(|(cluster, name)| cluster.url("qaqpa_app", name));
        let mut scratch = Scratch::prepare(folder.path()).unwrap();
        if let Some(disk) = disk {
            scratch.journal = disk.join("journal.sqlite");
        }
        let reads = agency(folder.path(), &scratch, READ).await;
        let payments = agency(folder.path(), &scratch, PAYMENT).await;
        let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
        let endpoints = Endpoints { persons: reads.1, companies: nobody, addresses: nobody };
        scratch.write(&endpoints, store.as_deref()).unwrap();
        let services = scratch.config.join("services.toml");
        let mut services = OpenOptions::new().append(true).open(services).unwrap();
        services.write_all(treasury(&scratch, payments.1).as_bytes()).unwrap();
        Self { scratch, folder, database, agencies: [reads, payments] }
    }

    /// Starts the gateway and waits until it is ready.
    pub async fn open(&self) -> Gate {
        self.open_with(&[env!("CARGO_BIN_EXE_qaqpa")]).await
    }

    /// As [`House::open`], with the words before `serve` given.
    pub async fn open_with(&self, program: &[&str]) -> Gate {
        let mut gate = self.listening(program).await;
        let begun = Instant::now();
        until("/ready says so", async || is_ready(gate.ops)).await;
        gate.took += begun.elapsed();
        gate
    }

    /// Starts the gateway and waits until it listens; it may not be ready to let calls in.
    pub async fn open_unready(&self) -> Gate {
        self.listening(&[env!("CARGO_BIN_EXE_qaqpa")]).await
    }

    async fn listening(&self, program: &[&str]) -> Gate {
        let begun = Instant::now();
        let (mut process, ready_file) = self.start(program);
        until("the gateway listens", async || {
            assert!(!process.has_ended(), "the gateway ended:\n{}", self.log());
            ready_file.exists()
        })
        .await;
        let ready: serde_json::Value = json(&ready_file);
        let ops = ready["ops_url"].as_str().unwrap().trim_start_matches("http://");
        let ops = ops.parse().unwrap();
        let base = ready["callers"][0].as_str().unwrap();
        let soap_url = format!("{base}/bip-sync-wss-gost/");
        Gate { process, soap_url, ops, took: begun.elapsed() }
    }

    /// Starts the gateway and kills it on its way up, `after` its start.
    pub async fn open_and_kill(&self, after: Duration) {
        let begun = Instant::now();
        let (mut process, ready_file) = self.start(&[env!("CARGO_BIN_EXE_qaqpa")]);
        until("a moment of its start", async || ready_file.exists() || begun.elapsed() >= after)
            .await;
        process.kill();
    }

    fn start(&self, program: &[&str]) -> (Process, PathBuf) {
        let ready_file = self.folder.path().join("gateway.ready");
        let _none_before = std::fs::remove_file(&ready_file);
        let (config, ready) = (self.scratch.config.to_str(), ready_file.to_str());
        let serve = ["serve", "--config", config.unwrap(), "--ready-file", ready.unwrap()];
        let command = [program, &serve].concat();
        (Process::start(&command, &self.folder.path().join("gateway.log")), ready_file)
    }

    /// Stops the agency behind a service where it is, until what is returned is dropped.
    pub fn pause_agency(&self, service: &str) -> Paused {
        let (.., process) = self.agencies.iter().find(|(name, ..)| *name == service).unwrap();
        let paused = Paused(process.0.id());
        paused.signal("-STOP");
        paused
    }

    /// Where the agency behind a service listens.
    pub fn agency_port(&self, service: &str) -> u16 {
        self.agencies.iter().find(|(name, ..)| *name == service).unwrap().1.port()
    }

    /// What the gateway's processes said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("gateway.log")).unwrap_or_default()
    }

    /// A member's way to a gateway.
    pub fn client(&self, gate: &Gate, member: &str) -> Client {
        let pair = &self.scratch.member(member).unwrap().pair;
        let own = Some((pair.cert_pem.as_path(), pair.key_pem.as_path()));
        Client::new(&gate.soap_url, &self.scratch.trust_pem, own).unwrap()
    }

    /// The messageIds that the agency behind a service received, each as often as it came.
    pub fn received(&self, service: &str) -> Vec<String> {
        let path = self.folder.path().join(format!("{service}.record"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Starts the stand-in behind a service: `qaqpa simulate`, with a record of what reached it.
async fn agency(
    folder: &Path,
    scratch: &Scratch,
    service: &'static str,
) -> (&'static str, SocketAddr, Process) {
    let pair = &scratch.member("agency").unwrap().pair;
    let file = |ending: &str| folder.join(format!("{service}.{ending}"));
    let (ready, record) = (file("ready"), file("record"));
    let options: [(&str, &Path); 9] = [
        ("--tls-cert", &pair.cert_pem),
        ("--tls-key", &pair.key_pem),
        ("--trust", &scratch.trust_pem),
        ("--sign-cert", &pair.cert_pem),
        ("--sign-key", &pair.key_pem),
        ("--gateway-cert", &scratch.gateway[0].cert_pem),
        ("--gateway-cert", &scratch.gateway[1].cert_pem),
        ("--record", &record),
        ("--ready-file", &ready),
    ];
    let mut command = vec![env!("CARGO_BIN_EXE_qaqpa"), "simulate", "--agency", "gbd_fl"];
    command.extend(options.iter().flat_map(|(name, path)| [*name, path.to_str().unwrap()]));
    let process = Process::start(&command, &file("log"));
    until("the agency listens", async || ready.exists()).await;
    let url = json(&ready)["url"].as_str().unwrap().to_owned();
    let address = url.trim_start_matches("https://").trim_end_matches('/').parse().unwrap();
    (service, address, process)
}

/// An agency whose one service may not be sent twice.
fn treasury(scratch: &Scratch, address: SocketAddr) -> String {
    let client = &scratch.gateway[0];
    format!(
        "\n[agency.treasury]\nadapter = \"passthrough\"\nwire = \"sync_v10\"\n\
         endpoint = \"https://{address}/\"\n\
         name = {{ kk = \"Қазынашылық\", ru = \"Казначейство\", en = \"Treasury\" }}\n\
         tls_client_certificate_file = {:?}\ntls_client_key_file = {:?}\n\
         quota = {{ per_second = 5000, burst = 5000, in_flight_max = 512 }}\n\
         connect_deadline_ms = 20000\n\n\
         [[agency.treasury.answer_certificate]]\nfile = {:?}\n\n\
         [agency.treasury.service.{PAYMENT}]\n\
         name = {{ kk = \"Төлем\", ru = \"Платёж\", en = \"Payment\" }}\n\
         idempotent = false\nwindow_s = 86400\n\
         done_codes = [\"SCSS001\"]\nrefused_codes = [\"SCSE001\"]\n",
        client.cert_pem,
        client.key_pem,
        scratch.member("agency").unwrap().pair.cert_pem,
    )
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_reader(File::open(path).unwrap()).unwrap()
}

/// Whether `/ready` answers 200.
pub fn is_ready(ops: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut socket = TcpStream::connect_timeout(&ops, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(b"GET /ready HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Looks every two milliseconds whether something has come true; fails loudly when it never does.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    let mut looks = interval(Duration::from_millis(2));
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "never came true: {what}");
        looks.tick().await;
    }
}
