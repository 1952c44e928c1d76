//! Foreign readers of HTTP as backends: each tells what it read of a request, and how many it read.

use super::house::until;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// A backend that listens.
pub struct Backend {
    pub address: SocketAddr,
    child: Child,
    count_at: CountAt,
    /// Finds in the answer how many requests were read.
    read_count: fn(&str) -> usize,
    /// How often that was asked, where the backend counts it too.
    asked: Option<AtomicUsize>,
    _folder: TempDir,
}

/// Where a backend tells how many requests it read.
enum CountAt {
    Page,
    Socket(PathBuf),
}

impl Drop for Backend {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Backend {
    pub async fn nginx() -> Self {
        let (folder, address) = (folder(), address());
        let at = folder.path().display();
        let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};"))
            .concat();
        let text = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n access_log off; {temp} keepalive_requests 100000;\n\
             map $content_length $read {{ default $content_length; \"\" 0; }}\n\
             large_client_header_buffers 4 16k; default_type text/plain;\n\
             server {{ listen {address}; merge_slashes off;\n\
             location = /count {{ stub_status; }}\n\
             location / {{ return 200 \"$request_method $request_uri $read\"; }} }} }}\n"
        );
        let file = write(&folder, "nginx.conf", &text);
        let mut command = Command::new(tool("nginx"));
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(file);
        let read = |text: &str| {
            let line = text.lines().skip_while(|line| !line.contains("requests")).nth(1);
            line.and_then(|line| line.split_whitespace().nth(2)).unwrap().parse().unwrap()
        };
        let mut started = Self::start(command, address, CountAt::Page, read, folder).await;
        started.asked = Some(AtomicUsize::new(0));
        started
    }

    pub async fn haproxy() -> Self {
        let (folder, address) = (folder(), address());
        let socket = folder.path().join("stats");
        let text = format!(
            "global\n maxconn 64\n stats socket {} level user\n\
             defaults\n mode http\n timeout client 20s\n timeout server 20s\n timeout connect 20s\n\
             frontend reader\n bind {address}\n option http-buffer-request\n\
             http-request return status 200 content-type text/plain \
             lf-string \"%[method] %[url] %[req.body_size]\"\n",
            socket.display()
        );
        let file = write(&folder, "haproxy.cfg", &text);
        let mut command = Command::new(tool("haproxy"));
        command.args(["-db", "-f"]).arg(file);
        let read = |text: &str| {
            let csv = text.split_once("# pxname").expect("CSV").1;
            let column = csv.lines().next().unwrap().split(',').position(|name| name == "req_tot");
            let row = csv.lines().find(|line| line.starts_with("reader,FRONTEND,")).expect("a row");
            row.split(',').nth(column.unwrap()).unwrap().parse().unwrap()
        };
        Self::start(command, address, CountAt::Socket(socket), read, folder).await
    }

    pub async fn node() -> Self {
        Self::script(PathBuf::from("node"), "node.js").await
    }

    pub async fn http_server() -> Self {
        Self::script(tool("../venv/bin/python"), "http_server.py").await
    }

    pub async fn h11() -> Self {
        Self::script(tool("../venv/bin/python"), "h11_server.py").await
    }

    /// How many requests it read, whole or broken.
    pub async fn count(&self) -> usize {
        let answer = match &self.count_at {
            CountAt::Page => {
                let page = "GET /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
                asked(TcpStream::connect(self.address).await.unwrap(), page).await
            }
            CountAt::Socket(path) => {
                asked(UnixStream::connect(path).await.unwrap(), "show stat\n").await
            }
        };
        let body = answer.split_once("\r\n\r\n").map_or(&*answer, |(_, body)| body);
        let own = self.asked.as_ref().map_or(0, |asked| asked.fetch_add(1, Ordering::SeqCst) + 1);
        (self.read_count)(body) - own
    }

    async fn script(program: PathBuf, name: &str) -> Self {
        let address = address();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smuggling/readers").join(name);
        let mut command = Command::new(program);
        command.arg(file).arg(address.ip().to_string()).arg(address.port().to_string());
        let read = |text: &str| {
            // Node's answer is chunked: the size stands before it.
            let line =
                text.lines().filter(|line| !line.is_empty()).nth(usize::from(text.contains('\n')));
            line.unwrap().parse().unwrap()
        };
        Self::start(command, address, CountAt::Page, read, folder()).await
    }

    async fn start(
        mut command: Command,
        address: SocketAddr,
        count_at: CountAt,
        read_count: fn(&str) -> usize,
        folder: TempDir,
    ) -> Self {
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = started.unwrap_or_else(|error| {
            panic!("{:?}: {error}: run `make tools`", command.get_program())
        });
        let mut backend =
            Self { address, child, count_at, read_count, asked: None, _folder: folder };
        until("the backend listens", || {
            assert_eq!(backend.child.try_wait().unwrap(), None, "{command:?} ended");
            // A visit without a request may count as one where pages are not what counts.
            match &backend.count_at {
                CountAt::Page => std::net::TcpStream::connect(address).is_ok(),
                CountAt::Socket(path) => std::os::unix::net::UnixStream::connect(path).is_ok(),
            }
        })
        .await;
        backend
    }
}

/// Everything that is answered to a question.
async fn asked(mut socket: impl AsyncRead + AsyncWrite + Unpin, question: &str) -> String {
    socket.write_all(question.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// What `make tools` unpacked, else what the machine has.
fn tool(name: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(name);
    if own.exists() { own } else { PathBuf::from(name) }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// An address that was free a moment ago, and that no other process of these tests takes.
fn address() -> SocketAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    TcpListener::bind(SocketAddr::from(([127, a, b, c], 0))).unwrap().local_addr().unwrap()
}
