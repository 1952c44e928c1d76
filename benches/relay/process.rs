//! A proxy that is not ours, one process on the core of the gateway.

use super::Fallible;
use crate::installation::GATEWAY_CORE;
use qaqpa::command::demo::scratch::Scratch;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(15);

/// A running peer; it ends when it is dropped.
pub(crate) struct Peer {
    process: Child,
    pub(crate) address: SocketAddr,
    _folder: tempfile::TempDir,
}

/// The certificates that every proxy of the run shows and asks for.
pub(crate) struct Certificates<'s> {
    pub(crate) certificate: &'s Path,
    pub(crate) key: &'s Path,
    pub(crate) trust: &'s Path,
}

impl<'s> Certificates<'s> {
    pub(crate) fn of(scratch: &'s Scratch) -> Self {
        let [pair, _] = &scratch.gateway;
        Self { certificate: &pair.cert_pem, key: &pair.key_pem, trust: &scratch.trust_pem }
    }
}

impl Peer {
    /// Starts `program` with `arguments`, its files in `folder`, and waits until it listens.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        folder: tempfile::TempDir,
        address: SocketAddr,
    ) -> Fallible<Self> {
        let process = Command::new("taskset")
            .args(["-c", GATEWAY_CORE])
            .arg(path(program).ok_or_else(|| format!("{program} is missing: .ci/tools.sh bench"))?)
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut peer = Self { process, address, _folder: folder };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(ended) = peer.process.try_wait()? {
                return Err(format!("{program} did not start: {ended}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("{program} does not listen").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(peer)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A port that was free a moment ago; a bench may fail when somebody is faster.
pub(crate) fn free_address() -> Fallible<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The program that `make tools` unpacked, or one of the machine.
pub(crate) fn path(program: &str) -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(program);
    if unpacked.is_file() {
        return Some(unpacked);
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}
