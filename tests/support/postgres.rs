//! A private PostgreSQL cluster for tests: real server, real disk, nobody else's data.
//!
//! Include it with `#[path = "support/postgres.rs"] mod postgres;`. [`Cluster::shared`] is started
//! once a test process; tests that break their server start their own. The server dies with the
//! process, whatever ends it; folders of processes that are gone are removed by the next run.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail so")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, mpsc};

const FOLDER: &str = "qaqpa-postgres-";
static CLUSTERS: AtomicU32 = AtomicU32::new(0);

/// A running server in a folder of its own, on 127.0.0.1 and a unix socket, with `fsync` on.
pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Mutex<Option<Child>>,
    databases: AtomicU32,
}

impl Cluster {
    /// The server that the tests of one process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes and starts a server; the roles of `deploy/postgres/roles.sql` are in every database.
    pub(crate) fn start() -> Self {
        Self::start_in(&std::env::temp_dir())
    }

    /// The same on a disk of the caller's.
    pub(crate) fn start_in(disk: &Path) -> Self {
        let cluster = Self::in_folder(disk);
        let made = cluster
            .command("initdb")
            .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"])
            .arg(cluster.folder.join("data"))
            .output()
            .expect("initdb");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        cluster.start_again();
        let roles = include_str!("../../deploy/postgres/roles.sql");
        cluster.sql("postgres", "template1", roles).expect("roles.sql");
        cluster
    }

    /// A place for a server: a folder of its own and a free port.
    fn in_folder(disk: &Path) -> Self {
        remove_left_folders();
        let number = CLUSTERS.fetch_add(1, Relaxed);
        let folder = disk.join(format!("{FOLDER}{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("a folder for the cluster");
        if let Some((user, group)) = postgres_user() {
            chown(&folder, Some(user), Some(group)).expect("chown");
        }
        let port = free_port(number);
        let (server, databases) = (Mutex::default(), AtomicU32::default());
        Self { binaries: binaries(), folder, port, server, databases }
    }

    /// A second server that follows this one; from here on a commit is acknowledged once both have it.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::in_folder(&std::env::temp_dir());
        let copied = standby
            .command("pg_basebackup")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"])
            .args(["-R", "-X", "stream", "--checkpoint=fast", "-D"])
            .arg(standby.folder.join("data"))
            .output()
            .expect("pg_basebackup");
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        standby.start_again();
        let both = "ALTER SYSTEM SET synchronous_standby_names = '*'";
        self.sql("postgres", "postgres", both).expect("two servers");
        self.sql("postgres", "postgres", "SELECT pg_reload_conf()").expect("a reload");
        let follows = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.sql("postgres", "postgres", follows).as_deref() != Ok("1") {}
        standby
    }

    /// Makes a server that followed another one take writes.
    pub(crate) fn promote(&self) {
        let promoted = self.sql("postgres", "postgres", "SELECT pg_promote()");
        assert_eq!(promoted.as_deref(), Ok("t"));
    }

    /// A new empty database's name.
    pub(crate) fn database(&self) -> String {
        self.copy_of("template1")
    }

    /// A new database with everything that stands in `template`, which nobody may be using.
    pub(crate) fn copy_of(&self, template: &str) -> String {
        let name = format!("gate{}", self.databases.fetch_add(1, Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        self.sql("postgres", "postgres", &create).expect("a database");
        name
    }

    /// The URL of a database for one of its roles: `qaqpa_app`, `qaqpa_migrate`, `postgres`.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of a database on whichever of two servers takes writes.
    pub(crate) fn url_with(&self, standby: &Self, user: &str, database: &str) -> String {
        let (one, other) = (self.port, standby.port);
        let hosts = format!("127.0.0.1:{one},127.0.0.1:{other}");
        format!("postgres://{user}@{hosts}/{database}?target_session_attrs=read-write")
    }

    /// Runs SQL by psql; rows as `a|b` lines, or the server's words.
    pub(crate) fn sql(&self, user: &str, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(self.binaries.join("psql"))
            .args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url(user, database))
            .env("PGOPTIONS", "-c search_path=qaqpa -c client_min_messages=warning")
            .output()
            .expect("psql");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// One of the server's own programs, such as `pgbench`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Starts the server after a stop, and waits until it accepts connections.
    pub(crate) fn start_again(&self) {
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "fsync=on", "-c", "shared_buffers=32MB", "-c", "max_connections=60"])
            .stderr(Stdio::piped());
        // This thread lives as long as the server: a child is ended with the thread that made it.
        let (made, server) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut server = command.spawn().expect("postgres");
            let log = BufReader::new(server.stderr.take().expect("its log"));
            made.send(server).expect("the starter waits");
            let mut said = String::new();
            for line in log.lines().map_while(Result::ok) {
                if line.contains("ready to accept") {
                    let _said_before = ready.send(Ok(()));
                }
                said = format!("{said}{line}\n");
                // Its first words tell why it did not start; later ones are not kept.
                said.truncate(said.floor_char_boundary(4_000));
            }
            let _was_ready = ready.send(Err(said));
        });
        *self.server.lock().unwrap() = Some(server.recv().expect("a server"));
        is_ready.recv().expect("a server's word").expect("a server that starts");
    }

    /// Lets the server speak TLS, beside plain, with this certificate and key (PEM files).
    pub(crate) fn use_certificate(&self, certificate: &Path, key: &Path) {
        for (from, to) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = self.folder.join("data").join(to);
            fs::copy(from, &to).expect("a copy");
            fs::set_permissions(&to, Permissions::from_mode(0o600)).expect("permissions");
            if let Some((user, group)) = postgres_user() {
                chown(&to, Some(user), Some(group)).expect("chown");
            }
        }
        self.sql("postgres", "postgres", "ALTER SYSTEM SET ssl = on").expect("TLS");
        self.sql("postgres", "postgres", "SELECT pg_reload_conf()").expect("a reload");
        // A new session is made by the postmaster, which reads its settings between sessions.
        while self.sql("postgres", "postgres", "SHOW ssl").as_deref() != Ok("on") {}
    }

    /// Ends the server at once, as a crash does (`pg_ctl stop -m immediate`).
    pub(crate) fn stop_immediately(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            signal("QUIT", &[server.id()]);
            server.wait().expect("the server's end");
        }
    }

    /// Stops every process of the server where it is: connections open, nobody answers.
    pub(crate) fn freeze(&self) -> Frozen {
        let parent = self.server.lock().unwrap().as_ref().expect("a running server").id();
        // The parent first, so that it makes no more children.
        signal("STOP", &[parent]);
        let children = children_of(parent);
        signal("STOP", &children);
        Frozen { processes: [children, vec![parent]].concat() }
    }

    /// A program of the server; as its own user when the tests run as root, which it refuses.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]).current_dir("/");
        if postgres_user().is_some() {
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        }
        command.arg(self.binaries.join(program));
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_immediately();
        // A folder that stays is removed by the next run.
        let _left = fs::remove_dir_all(&self.folder);
    }
}

/// A server that hangs until this is dropped.
pub(crate) struct Frozen {
    processes: Vec<u32>,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("CONT", &self.processes);
    }
}

/// A port below those that Linux hands out by itself (32768 and up): one of them would be taken by
/// somebody else while the server is stopped, even by a client's connection to itself.
fn free_port(number: u32) -> u16 {
    let first = 12_000 + (std::process::id() * 16 + number) % 20_000;
    let mut ports =
        (first..32_768).chain(12_000..first).filter_map(|port| u16::try_from(port).ok());
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("a free port")
}

fn signal(name: &str, processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    Command::new("kill").arg(format!("-{name}")).args(processes).status().expect("kill");
}

fn children_of(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    tasks
        .filter_map(|task| task.file_name().to_str()?.parse().ok())
        .filter(|process| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            status.lines().any(|line| line == format!("PPid:\t{parent}"))
        })
        .collect()
}

/// The user that runs the server when the tests run as root.
fn postgres_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("/proc").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.expect("a user `postgres`: run `make tools`").split(':').skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    Some((number().expect("a user id"), number().expect("a group id")))
}

/// The newest installed server's programs.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    folders.sort();
    folders.pop().expect("no PostgreSQL server under /usr/lib/postgresql: run `make tools`")
}

fn remove_left_folders() {
    for folder in fs::read_dir(std::env::temp_dir()).into_iter().flatten().filter_map(Result::ok) {
        let name = folder.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _another_run_was_first = fs::remove_dir_all(folder.path());
        }
    }
}
