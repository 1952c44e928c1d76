//! The attackers: raw frames and slow sockets, from a process of their own until their input ends.

use super::{Fallible, callers};
use qaqpa::command::demo::scratch::Scratch;
use rustls::pki_types::ServerName;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

/// One way to misbehave.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) is_tls: bool,
    kind: Kind,
}

/// What must hold under an attack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// A healthy caller's p99 at most twice that of peace, and at most 64 MiB more memory.
    Unnoticed,
    /// 95 % of the answers good.
    Served,
    /// 40 KiB a connection at most.
    Lean,
}

impl Attack {
    pub(super) const fn goal(&self) -> Goal {
        match self.kind {
            Kind::Flood(_) | Kind::Resets | Kind::Handshakes(_) => Goal::Unnoticed,
            Kind::Slow(_) | Kind::Foreign(..) => Goal::Served,
            Kind::Idle(_) => Goal::Lean,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    /// Said first, then again and again, by this many at once; each comes back when it is cut.
    Flood(fn() -> (Vec<u8>, Vec<u8>)),
    /// A request and its reset, with a new stream each time.
    Resets,
    /// Opens so many connections, asks once, and rests.
    Idle(usize),
    /// Opens so many and is slow in three ways.
    Slow(usize),
    /// So many make a connection with everything that is asked for, and leave, again and again.
    Handshakes(usize),
    /// slowhttptest with so many sockets and this way to be slow.
    Foreign(usize, &'static [&'static str]),
}

/// Connections that flood at the same time.
const FLOODERS: usize = 16;

/// Addresses of those that hold thousands of connections.
const MANY: u8 = 20;

pub(super) const ALL: &[Attack] = &[
    Attack { name: "rapid-reset", is_tls: false, kind: Kind::Resets },
    Attack { name: "continuation", is_tls: false, kind: Kind::Flood(continuation) },
    Attack { name: "empty-data", is_tls: false, kind: Kind::Flood(empty_data) },
    Attack { name: "settings", is_tls: false, kind: Kind::Flood(settings) },
    Attack { name: "ping", is_tls: false, kind: Kind::Flood(ping) },
    Attack { name: "hpack-bomb", is_tls: false, kind: Kind::Flood(hpack_bomb) },
    Attack { name: "window-0", is_tls: false, kind: Kind::Flood(window_0) },
    Attack { name: "handshakes", is_tls: true, kind: Kind::Handshakes(100) },
    Attack { name: "slow", is_tls: false, kind: Kind::Slow(5_000) },
    Attack {
        name: "slowhttptest-head",
        is_tls: false,
        kind: Kind::Foreign(5_000, &["-H", "-i", "1"]),
    },
    Attack {
        name: "slowhttptest-body",
        is_tls: false,
        kind: Kind::Foreign(5_000, &["-B", "-i", "1", "-s", "9000"]),
    },
    Attack {
        name: "slowhttptest-read",
        is_tls: false,
        kind: Kind::Foreign(5_000, &["-X", "-w", "1", "-y", "10", "-n", "1", "-z", "1", "-k", "3"]),
    },
    Attack { name: "idle-tls", is_tls: true, kind: Kind::Idle(9_000) },
];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    let head = [length.get(1..).unwrap_or_default(), &[kind, flags]].concat();
    [&head, stream.to_be_bytes().as_slice(), payload].concat()
}

/// `GET /?wsdl`: static table and two literals.
fn head() -> Vec<u8> {
    [b"\x82\x86\x41\x01a\x44\x06".as_slice(), b"/?wsdl"].concat()
}

fn continuation() -> (Vec<u8>, Vec<u8>) {
    (frame(1, 0, 1, &head()), frame(9, 0, 1, b""))
}

fn empty_data() -> (Vec<u8>, Vec<u8>) {
    // POST, so that a body is waited for.
    (frame(1, 4, 1, b"\x83\x86\x41\x01a\x84"), frame(0, 0, 1, b""))
}

fn settings() -> (Vec<u8>, Vec<u8>) {
    (Vec::new(), frame(4, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]))
}

fn ping() -> (Vec<u8>, Vec<u8>) {
    (Vec::new(), frame(6, 0, 0, &[0; 8]))
}

/// 3900 bytes in the table, named 4000 times: 15 MB out of 8 KB.
fn hpack_bomb() -> (Vec<u8>, Vec<u8>) {
    let entry = [b"\x40\x04bomb\x7f\xbd\x1d".as_slice(), &[b'x'; 3900]].concat();
    (Vec::new(), frame(1, 5, 1, &[head(), entry, vec![0xbe; 4000]].concat()))
}

/// Answers are asked for and never taken.
fn window_0() -> (Vec<u8>, Vec<u8>) {
    let none = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let asked = (0..100).flat_map(|at| frame(1, 5, 2 * at + 1, &head()));
    (none.into_iter().chain(asked).collect(), frame(6, 0, 0, &[0; 8]))
}

/// Attacks until the input ends; prints how many connections stand when it begins, and how many were
/// opened when it ends.
pub(super) fn run(name: &str, address: SocketAddr, state: &Path, addresses: u8) -> Fallible<()> {
    let attack = ALL.iter().find(|attack| attack.name == name).ok_or("no such attack")?;
    if let Kind::Foreign(connections, how) = attack.kind {
        return foreign(address, connections, how);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = Arc::new(AtomicU64::new(0));
    let (count, kind) = (Arc::clone(&opened), attack.kind);
    let state = state.to_owned();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let attacked = runtime.block_on(async {
            let held = match kind {
                Kind::Idle(connections) => idle(&state, address, connections, &count).await?,
                Kind::Slow(connections) => slow(address, connections, &count).await,
                Kind::Flood(said) => {
                    for at in 0..FLOODERS {
                        let way = Way::new(address, at, addresses);
                        tokio::spawn(flood(way, said(), Arc::clone(&count)));
                    }
                    Vec::new()
                }
                Kind::Handshakes(many) => {
                    let tls = callers::tls(&Scratch::prepare(&state)?)?;
                    for at in 0..many {
                        let way = Way::new(address, at, addresses);
                        tokio::spawn(handshakes(way, tls.clone(), Arc::clone(&count)));
                    }
                    Vec::new()
                }
                Kind::Foreign(..) => Vec::new(),
                Kind::Resets => {
                    for at in 0..FLOODERS {
                        let way = Way::new(address, at, addresses);
                        tokio::spawn(resets(way, Arc::clone(&count)));
                    }
                    Vec::new()
                }
            };
            ready.send(())?;
            std::future::pending::<()>().await;
            drop(held);
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
        if let Err(error) = attacked {
            eprintln!("the attack fails: {error}");
        }
    });
    is_ready.recv()?;
    println!("{}", opened.load(Ordering::Relaxed));
    let _ended = std::io::stdin().read(&mut [0])?;
    println!("{}", opened.load(Ordering::Relaxed));
    Ok(())
}

/// slowhttptest until the input ends; it comes back when the gateway has closed all that it opened. It says itself what
/// it does, and nothing that counts here.
fn foreign(address: SocketAddr, connections: usize, how: &[&str]) -> Fallible<()> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/slowhttptest");
    let program = if tools.is_file() { tools } else { "slowhttptest".into() };
    let mut command = std::process::Command::new(program);
    command
        .args(how)
        .args(["-c", &connections.to_string(), "-r", "1000", "-l", "3600", "-p", "5"])
        .args(["-u", &format!("http://{address}/api/v1/openapi.json")])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    let mut spawn = || {
        let spawned = command.spawn();
        spawned.map_err(|error| format!("slowhttptest: {error}; run `.ci/tools.sh bench`"))
    };
    let mut process = spawn()?;
    println!();
    let (ended, is_ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ended = std::io::stdin().read(&mut [0]);
        ended.send(())
    });
    while is_ended.recv_timeout(Duration::from_millis(100)).is_err() {
        match process.try_wait()? {
            None => {}
            // The gateway closed all that it opened.
            Some(ended) if ended.success() => process = spawn()?,
            Some(ended) => return Err(format!("slowhttptest: {ended}").into()),
        }
    }
    process.kill()?;
    process.wait()?;
    println!();
    Ok(())
}

/// From which address to which.
#[derive(Clone, Copy)]
struct Way(SocketAddr, SocketAddr);

impl Way {
    /// Of so many addresses the one whose turn it is; none is the healthy caller's.
    fn new(to: SocketAddr, at: usize, addresses: u8) -> Self {
        let number = at % usize::from(addresses.max(1));
        let last = u8::try_from(number).unwrap_or_default().saturating_add(20);
        Self((std::net::Ipv4Addr::new(127, 0, 0, last), 0).into(), to)
    }

    async fn connect(self, receive_bytes: Option<u32>) -> std::io::Result<TcpStream> {
        let Self(from, to) = self;
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(from)?;
        socket.connect(to).await
    }
}

async fn greeted(way: Way, count: &AtomicU64) -> std::io::Result<TcpStream> {
    let mut socket = way.connect(None).await?;
    count.fetch_add(1, Ordering::Relaxed);
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    Ok(socket)
}

async fn flood(way: Way, (first, again): (Vec<u8>, Vec<u8>), count: Arc<AtomicU64>) {
    let many = again.repeat((4096 / again.len()).max(1));
    loop {
        if let Ok(mut socket) = greeted(way, &count).await {
            let mut is_open = socket.write_all(&first).await.is_ok();
            while is_open {
                is_open = socket.write_all(&many).await.is_ok();
                // What is answered is read, or the floods would end at a full socket.
                let mut buffer = [0; 16 * 1024];
                is_open &= !matches!(socket.try_read(&mut buffer), Ok(0));
                tokio::task::yield_now().await;
            }
        }
        sleep(Duration::from_millis(1)).await;
    }
}

async fn resets(way: Way, count: Arc<AtomicU64>) {
    loop {
        if let Ok(mut socket) = greeted(way, &count).await {
            let mut stream = 1_u32;
            loop {
                let mut bytes = Vec::new();
                for _ in 0..50 {
                    bytes.extend(frame(1, 5, stream, &head()));
                    bytes.extend(frame(3, 0, stream, &[0, 0, 0, 8]));
                    stream += 2;
                }
                let mut buffer = [0; 16 * 1024];
                if socket.write_all(&bytes).await.is_err()
                    || matches!(socket.try_read(&mut buffer), Ok(0))
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        sleep(Duration::from_millis(1)).await;
    }
}

async fn handshakes(way: Way, tls: tokio_rustls::TlsConnector, count: Arc<AtomicU64>) {
    let Ok(name) = ServerName::try_from("localhost") else { return };
    loop {
        if let Ok(socket) = way.connect(None).await {
            count.fetch_add(1, Ordering::Relaxed);
            drop(tls.connect(name.clone(), socket).await);
        }
        sleep(Duration::from_millis(1)).await;
    }
}

type Held = Box<dyn std::any::Any + Send>;

async fn idle(
    state: &Path,
    address: SocketAddr,
    connections: usize,
    count: &AtomicU64,
) -> Fallible<Vec<Held>> {
    let tls = callers::tls(&Scratch::prepare(state)?)?;
    let mut held: Vec<Held> = Vec::new();
    for at in 0..connections {
        let socket = Way::new(address, at, MANY).connect(None).await?;
        let mut stream = tls.connect(ServerName::try_from("localhost")?, socket).await?;
        stream.write_all(b"GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n").await?;
        let _read_bytes = stream.read(&mut [0; 4096]).await?;
        count.fetch_add(1, Ordering::Relaxed);
        held.push(Box::new(stream));
    }
    Ok(held)
}

/// A head a byte at a time, a body a byte at a time, answers that are not read; each comes back.
async fn slow(address: SocketAddr, connections: usize, count: &Arc<AtomicU64>) -> Vec<Held> {
    for at in 0..connections {
        let (count, way) = (Arc::clone(count), Way::new(address, at, MANY));
        tokio::spawn(async move {
            loop {
                if let Ok(mut socket) = way.connect(Some(4096)).await {
                    count.fetch_add(1, Ordering::Relaxed);
                    let first: Vec<u8> = match at % 3 {
                        0 => b"POST / HTTP/1.1\r\nhost: a\r\nx: ".to_vec(),
                        1 => b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n".to_vec(),
                        // A few large answers fill the socket; more requests would be a flood.
                        _ => b"GET /api/v1/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(8),
                    };
                    let mut is_open = socket.write_all(&first).await.is_ok();
                    while is_open {
                        sleep(Duration::from_secs(1)).await;
                        let byte: &[u8] = if at % 3 == 2 { b"" } else { b"x" };
                        is_open = socket.write_all(byte).await.is_ok()
                            && !matches!(socket.try_read(&mut [0]), Ok(0));
                    }
                }
                sleep(Duration::from_millis(100)).await;
            }
        });
        if at % 100 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    Vec::new()
}
