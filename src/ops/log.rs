//! The log: one line an event, JSON or for people, with every identifier of a person masked.
//!
//! Lines go through a bounded queue to a thread that writes: a slow reader of the log costs lines,
//! which are counted, and never a call.

use crate::config::settings::Ops;
use jiff::Timestamp;
use prometheus::IntCounter;
use qaqpa_kit::fault::{Fault, Outcome};
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Hides identifiers of people in a text.
pub type Mask = fn(&str) -> Cow<'_, str>;

/// Lines that wait to be written.
const QUEUE_LINES_MAX: usize = 8192;

/// How long lines gather before they are written: one wake-up of the writer a batch, not one a call.
const GATHER: Duration = Duration::from_millis(20);

/// How long the end of the process waits for the last lines to be written.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// The log, while it is held; dropping it writes what still waits.
#[must_use = "dropping it ends the log"]
pub struct Log {
    sender: SyncSender<Option<Vec<u8>>>,
    /// Closes when the writer is through.
    ended: Receiver<()>,
}

/// Makes the log of a node: the subscriber to set as the process's default, and what keeps it running.
///
/// The house's own events are kept from the level of the settings on, others from `warn` on.
///
/// # Errors
/// The level is no level, or no thread can be started.
pub fn make<W: Write + Send + 'static>(
    settings: &Ops,
    mask: Mask,
    dropped: IntCounter,
    sink: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Log), std::io::Error> {
    let level: LevelFilter = settings.log_level.parse().map_err(std::io::Error::other)?;
    let (sender, receiver) = sync_channel(QUEUE_LINES_MAX);
    let (ending, ended) = sync_channel(0);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        write_all(&receiver, sink);
        drop(ending);
    })?;
    let lines = Lines { mask, is_json: settings.log_json, sender: sender.clone(), dropped };
    let kept = Targets::new()
        .with_target("qaqpa", level)
        .with_target("qaqpa_kit", level)
        .with_target("qaqpa_adapters", level)
        .with_default(level.min(LevelFilter::WARN));
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(kept));
    Ok((subscriber, Log { sender, ended }))
}

/// Sends panics to the log, each with its place; the listener counts them.
pub fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no text");
        tracing::error!(place, message, "panic");
    }));
}

/// One finished call.
#[derive(Debug)]
pub struct Access<'a> {
    /// The entry that the answer names: for a repeated call the first one's.
    pub entry: uuid::Uuid,
    /// `None` where the call did not arrive whole.
    pub peer: Option<SocketAddr>,
    pub participant: &'a str,
    pub service: &'a str,
    pub agency: &'a str,
    pub outcome: Outcome,
    pub fault: Option<&'a Fault>,
    pub http_status: u16,
    pub took: Duration,
}

/// Writes the one line that every call leaves, at `info`.
pub fn access(call: &Access<'_>) {
    let (fault, cause) = match call.fault {
        Some(fault) => (fault.public_line(), fault.cause.as_deref().unwrap_or("")),
        None => (String::new(), ""),
    };
    tracing::info!(
        target: "qaqpa::access",
        entry = %call.entry,
        peer = call.peer.map(tracing::field::display),
        participant = call.participant,
        service = call.service,
        agency = call.agency,
        outcome = call.outcome.word(),
        fault,
        cause,
        http_status = call.http_status,
        took_us = u64::try_from(call.took.as_micros()).unwrap_or(u64::MAX),
        "call"
    );
}

impl Drop for Log {
    fn drop(&mut self) {
        let until = Instant::now() + FLUSH_DEADLINE;
        while let Err(TrySendError::Full(_)) = self.sender.try_send(None) {
            if Instant::now() >= until {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        self.ended.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
    }
}

fn write_all(receiver: &Receiver<Option<Vec<u8>>>, sink: impl Write) {
    let mut sink = std::io::BufWriter::with_capacity(64 * 1024, sink);
    // A sink that fails (a closed pipe) loses lines; there is no better place to say so.
    while let Ok(Some(line)) = receiver.recv() {
        let mut is_last = sink.write_all(&line).is_err();
        while let Ok(line) = receiver.try_recv() {
            match line {
                Some(line) => is_last |= sink.write_all(&line).is_err(),
                None => return drop(sink.flush()),
            }
        }
        is_last |= sink.flush().is_err();
        if is_last {
            return;
        }
        sleep(GATHER);
    }
}

/// Turns events into lines.
struct Lines {
    mask: Mask,
    is_json: bool,
    sender: SyncSender<Option<Vec<u8>>>,
    dropped: IntCounter,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let (metadata, now) = (event.metadata(), Timestamp::now());
        let level = level(*metadata.level());
        let mut line = Line {
            text: Vec::with_capacity(512),
            value: String::new(),
            mask: self.mask,
            is_json: self.is_json,
        };
        if self.is_json {
            line.text.push(b'{');
            line.written("time", format_args!("{now:.6}"));
            line.pair("level", level);
            line.pair("target", metadata.target());
        } else {
            line.put(format_args!("{now:.3} {level:5} {}", metadata.target()));
        }
        event.record(&mut line);
        line.text.extend_from_slice(if self.is_json { b"}\n" } else { b"\n" });
        if self.sender.try_send(Some(line.text)).is_err() {
            self.dropped.inc();
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// One line in the making; every value passes through the mask.
struct Line {
    text: Vec<u8>,
    /// Room for a value that is no text yet.
    value: String,
    mask: Mask,
    is_json: bool,
}

impl Line {
    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing into a Vec cannot fail.
        self.text.write_fmt(text).ok();
    }

    /// A value that must be written out first.
    fn written(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let mut text = std::mem::take(&mut self.value);
        text.clear();
        text.write_fmt(value).ok();
        self.pair(name, &text);
        self.value = text;
    }

    fn pair(&mut self, name: &str, value: &str) {
        // A UUID may end in twelve digits, and an entry's id must stay findable.
        let is_entry = name == "entry" && uuid::Uuid::try_parse(value).is_ok();
        let shown = if is_entry { Cow::Borrowed(value) } else { (self.mask)(value) };
        if !self.is_json {
            let shown = shown.escape_debug();
            return if name == "message" {
                self.put(format_args!(" {shown}"))
            } else {
                self.put(format_args!(" {name}={shown}"))
            };
        }
        self.key(name);
        serde_json::to_writer(&mut self.text, &*shown).ok();
    }

    /// A name in JSON; those of fields are plain words of the source.
    fn key(&mut self, name: &str) {
        if !self.text.ends_with(b"{") {
            self.text.push(b',');
        }
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
    }

    /// A number stays one in JSON, unless it is twelve digits long.
    fn number(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let begun = self.text.len();
        if self.is_json {
            self.key(name);
            let digits = self.text.len();
            self.put(value);
            let digits = self.text.get(digits..).unwrap_or_default();
            if str::from_utf8(digits).is_ok_and(|digits| (self.mask)(digits) == digits) {
                return;
            }
            self.text.truncate(begun);
        }
        self.written(name, value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.written(field.name(), format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !value.is_empty() {
            self.pair(field.name(), value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field.name(), format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field.name(), format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field.name(), format_args!("{value}"));
    }
}
