//! From checked settings to a running gateway, and back to nothing without losing a call.

use super::Gateway;
use super::admit::Admission;
use super::clerk::Clerk;
use super::front::Front;
use super::identify::Callers;
use super::listener::{BindError, Door, Drained};
use super::look_up::LookUps;
use super::tls::{ClientTrust, ServerTls, TlsError};
use crate::channel::rest::openapi::Description;
use crate::config::settings::{Participant, Settings, TlsMode};
use crate::journal::{Journal, JournalError};
use crate::ops::http::Ops;
use crate::ops::metrics::Metrics;
use crate::ops::payments::Figures;
use crate::payments::Payments;
use crate::payments::desk::Desk;
use crate::sign::key::KeyError;
use crate::sign::trust::{Trust, TrustError};
use crate::sign::{Certificate, Reason, Signer, Signers};
use crate::upstream::{UpstreamError, Upstreams};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// How often resting connections and limiters are looked after.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// After how many sweeps the entries without evidence are counted.
const SWEEPS_PER_LOOK: u64 = 15;

/// Why a gateway cannot start; each says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{}: {error}", path.display())]
    Key { path: PathBuf, error: KeyError },
    #[error("no signing key is configured")]
    NoKey,
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A gateway that listens.
pub struct Running {
    pub gate: Arc<Gateway>,
    /// Base URLs of the doors for callers, in the order of the configuration.
    pub callers: Vec<String>,
    /// Where operations watch.
    pub ops: SocketAddr,
    drain: watch::Sender<bool>,
    drain_ops: watch::Sender<bool>,
    doors: Vec<JoinHandle<Drained>>,
    ops_door: JoinHandle<Drained>,
    sweeper: JoinHandle<()>,
    clerk: Option<Clerk>,
}

impl Running {
    /// Opens journal, agencies and doors; returns once everything listens.
    ///
    /// # Errors
    /// The first file, store or socket that cannot be used, with what to do about it.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let metrics = Metrics::new(&settings, &Reason::WORDS)?;
        Self::start_with(settings, Arc::new(metrics)).await
    }

    /// As [`Running::start`], with metrics that the log already counts in.
    ///
    /// # Errors
    /// As [`Running::start`].
    pub async fn start_with(
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let (gate, figures) = gateway(&settings, &metrics).await?;
        let gate = Arc::new(gate);
        let (drain, draining) = watch::channel(false);
        let (drain_ops, draining_ops) = watch::channel(false);
        let trust = client_trust(Arc::clone(&gate));
        let rest = Arc::new(Description::of(&settings));
        let look_ups = Arc::new(LookUps::new(&settings.limits));
        let (mut callers, mut doors) = (Vec::new(), Vec::new());
        for listener in &settings.listeners {
            let tls = ServerTls::load(listener, &trust)?;
            let figures = metrics.callers.clone();
            let door = Door::bind(listener, &settings.limits, tls, figures).await?;
            let scheme = if listener.tls == TlsMode::Off { "http" } else { "https" };
            callers.push(format!("{scheme}://{}", door.address()));
            let public_url = listener.public_url.clone();
            let look_ups = listener.receipts.then(|| Arc::clone(&look_ups));
            let (gate, rest) = (Arc::clone(&gate), Arc::clone(&rest));
            let front = Front { gate, rest, look_ups, public_url };
            doors.push(tokio::spawn(door.serve(Arc::new(front), draining.clone())));
        }
        let door = Ops::bind(&settings, &metrics).await?;
        let ops = door.address();
        let unready = unready(Arc::clone(&gate), draining);
        let handler = Arc::new(Ops::new(Arc::clone(&metrics), unready));
        let ops_door = tokio::spawn(door.serve(handler, draining_ops));
        let sweeper = tokio::spawn(sweep(Arc::clone(&gate), figures));
        let clerk = gate.desk.as_ref().map(|desk| Clerk::start(&gate, &desk.payments));
        Ok(Self { gate, callers, ops, drain, drain_ops, doors, ops_door, sweeper, clerk })
    }

    /// Refuses new callers, finishes what is in flight, flushes the journal; returns how many calls
    /// the drain deadline cut.
    pub async fn drain(self) -> usize {
        self.drain.send_replace(true);
        let mut cut = 0;
        for door in self.doors {
            cut += door.await.map_or(0, |drained| drained.calls_cut);
        }
        self.sweeper.abort();
        let deadline = Instant::now() + self.gate.settings.limits.drain_deadline;
        if let Some(clerk) = self.clerk {
            clerk.stop(deadline).await;
        }
        if let Err(down) = self.gate.journal.drain(deadline).await {
            tracing::error!(%down, "the journal did not end well");
        }
        if let Some(desk) = &self.gate.desk
            && let Err(down) = desk.payments.drain(deadline).await
        {
            tracing::error!(%down, "payments did not end well");
        }
        self.drain_ops.send_replace(true);
        // Operations may watch to the end; their connections are not waited for longer than a second.
        drop(self.ops_door.await);
        cut
    }
}

async fn gateway(
    settings: &Arc<Settings>,
    metrics: &Arc<Metrics>,
) -> Result<(Gateway, Option<Figures>), StartError> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map(Zeroizing::new)
            .map_err(|error| StartError::File { path: path.to_owned(), error })
    };
    let mut files = Vec::new();
    for path in &settings.trust.files {
        files.push((path.display(), read(path)?));
    }
    let trust = Trust::load(files)?;
    let mut signers = Vec::new();
    for (key, certificate) in &settings.signing.keys {
        let signer = Signer::from_pem(&read(key)?, &read(certificate)?);
        signers.push(signer.map_err(|error| StartError::Key { path: key.clone(), error })?);
    }
    let signers =
        Signers::new(signers, settings.signing.answer_signature).ok_or(StartError::NoKey)?;
    let journal = Journal::start(&settings.journal, &settings.node.id).await?;
    crate::ops::journal::watch(metrics, &journal)?;
    let (desk, figures) = desk(settings, metrics).await?.unzip();
    for participant in settings.participants.values() {
        if let Some(until_unix_s) = last_day(participant) {
            metrics.certificate_expires(&participant.id, until_unix_s);
        }
    }
    let gate = Gateway {
        settings: Arc::clone(settings),
        callers: Callers::new(Arc::clone(settings)),
        admission: Admission::new(settings),
        trust,
        signers,
        journal,
        desk,
        upstreams: Upstreams::new(settings, metrics)?,
        metrics: Arc::clone(metrics),
    };
    Ok((gate, figures))
}

/// The payments desk, where the installation has a bank to pay through.
async fn desk(
    settings: &Settings,
    metrics: &Metrics,
) -> Result<Option<(Desk, Figures)>, StartError> {
    if !settings.payments.are_taken() {
        return Ok(None);
    }
    let payments = Payments::start(&settings.payments, &settings.node.id).await?;
    let figures = crate::ops::payments::watch(metrics, &payments)?;
    Ok(Some((Desk::new(payments, Arc::new(settings.payments.clone())), figures)))
}

/// When the last certificate bound to a participant ends, by its pin's days or its own.
fn last_day(participant: &Participant) -> Option<i64> {
    let ends = participant.certificates.iter().map(|pin| {
        let own = pin.der.as_deref().and_then(|der| Certificate::parse(der).ok());
        own.map_or(pin.until_unix_s, |own| pin.until_unix_s.min(own.not_after_unix_s()))
    });
    ends.max()
}

/// TLS asks the same trust that judges signatures; which participant it is, `identify` asks per call.
fn client_trust(gate: Arc<Gateway>) -> ClientTrust {
    Arc::new(move |certificate, _chain, now| {
        let now_unix_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let certificate = gate.trust.certificates().parse(certificate).map_err(Reason::word)?;
        gate.trust.judge(&certificate, now_unix_s).map(drop).map_err(Reason::word)
    })
}

fn unready(
    gate: Arc<Gateway>,
    draining: watch::Receiver<bool>,
) -> impl Fn() -> Vec<&'static str> + Send + Sync {
    move || {
        let mut reasons = Vec::new();
        if *draining.borrow() {
            reasons.push("draining");
        }
        if !gate.journal.is_ready() {
            reasons.push("journal_down");
        }
        if gate.desk.as_ref().is_some_and(|desk| !desk.payments.is_ready()) {
            reasons.push("payments_down");
        }
        reasons
    }
}

async fn sweep(gate: Arc<Gateway>, figures: Option<Figures>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    for tick in 0_u64.. {
        ticks.tick().await;
        gate.upstreams.sweep();
        if let Some(desk) = &gate.desk {
            desk.payments.try_again().await;
        }
        if tick % SWEEPS_PER_LOOK == 0 {
            gate.journal.look_after_unresolved().await;
            if let (Some(desk), Some(figures)) = (&gate.desk, &figures)
                && let Ok(levels) = desk.payments.levels().await
            {
                figures.tell(&levels);
            }
        }
    }
}
