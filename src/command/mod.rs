//! The subcommands, one file each: an `Args` for clap and a `run` that returns the exit code.
//!
//! Exit codes (DESIGN §8, sysexits.h): 0 done, 1 the answer is no, 64 usage, 78 configuration.

pub mod act;
pub mod agencies;
pub mod canonicalize;
pub mod check;
pub mod client;
pub mod demo;
pub mod evidence;
pub mod explain;
mod http_file;
pub mod migrate;
mod operator;
pub mod payments;
pub mod reconcile;
pub mod register;
pub mod resolve;
pub mod send;
pub mod serve;
pub mod sign;
pub mod simulate;
pub mod verify;

use crate::durable;
use crate::journal::JournalError;
use crate::proxy::start::StartError;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// How a signature is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// WS-Security over the Body of a SOAP envelope, as on SyncChannel.
    #[value(alias = "wss")]
    Wsse,
    /// Enveloped XMLDSig of a document, or of the one in the `data` of an envelope.
    Xmldsig,
    /// CMS SignedData: CAdES-BES or -T.
    Cms,
    /// JWS, compact or detached.
    Jws,
    /// HTTP message signature of a request (RFC 9421).
    Httpsig,
    /// JWS in its compact form, as on receipts.
    Receipt,
    /// The act of a reconciliation, signed by both sides.
    Act,
}

/// A file's bytes; `-` is standard input.
fn read_input(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::work)?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

/// Writes to standard output; a reader that went away early is no failure.
fn write_output(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::work(error)),
        _ => Ok(()),
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command line asks for what cannot be (64).
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { code: 64, message: message.to_string() }
    }

    /// The configuration is wrong (78).
    pub fn configuration(message: impl fmt::Display) -> Self {
        Self { code: 78, message: message.to_string() }
    }

    /// The work itself failed (1).
    pub fn work(message: impl fmt::Display) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            // It may be there in a moment: a service manager shall try again.
            StartError::Journal(JournalError::Store { .. }) => Self::work(error),
            _ => Self::configuration(error),
        }
    }
}

/// Unix microseconds now, for commands that act as a caller.
#[must_use]
pub fn now_unix_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Lets this process open as many descriptors as the system allows it: each connection takes one, and
/// many systems begin with 1 024. What cannot be raised stays as it is.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, ?limit, "the limit of descriptors cannot be raised");
    }
}

/// Keeps what is in memory, keys among it, out of core files and away from other processes of this user.
///
/// Both are asked for: a collector of core files that is a program is not held by the limit.
pub fn hide_memory() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core files cannot be forbidden");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "memory cannot be hidden from other processes");
    }
}

/// Sockets that are served at one look: of thousands that are ready at once a call waits for so many,
/// and steps of its own for none of them.
const IO_EVENTS_PER_TICK: usize = 64;

/// Runs a future on a runtime of its own.
///
/// # Errors
/// The operating system gave no threads.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_io_events_per_tick(IO_EVENTS_PER_TICK)
        .enable_all()
        .build()
        .map_err(|error| Failure::work(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(future))
}

/// Waits for SIGTERM or ctrl-c.
///
/// # Errors
/// The operating system takes no handler.
pub async fn told_to_stop() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::work)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed.map_err(Failure::work),
    }
}

/// Writes a file whole or not at all: whoever waits for it never reads a half.
///
/// # Errors
/// The disk failed.
pub fn write_whole(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    durable::write(path, text.as_bytes())
        .map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}
