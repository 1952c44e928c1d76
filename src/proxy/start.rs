//! From checked settings to a running gateway, and back to nothing without losing a call.

use super::Gateway;
use super::build::{self, Lasting};
use super::clerk::Clerk;
use super::current::Current;
use super::front::Front;
use super::listener::{BindError, Door, Drained};
use super::look_up::LookUps;
use super::revocation::Refresh;
use super::tls::{ClientTrust, ServerTls, TlsError};
use super::trace;
use super::{lease, left};
use crate::config::settings::{Settings, TlsMode};
use crate::journal::{Journal, JournalDown, JournalError};
use crate::ops::http::Ops;
use crate::ops::metrics::Metrics;
use crate::ops::payments::Figures;
use crate::ops::reconcile::ReconcileFigures;
use crate::payments::Payments;
use crate::sign::Reason;
use crate::sign::key::KeyError;
use crate::sign::trust::TrustError;
use crate::upstream::{UpstreamError, UpstreamProblem};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
    #[error("trust: {0}")]
    Revocation(#[from] UpstreamProblem),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A gateway that listens.
pub struct Running {
    /// What carries the calls that begin now.
    pub gate: Arc<Gateway>,
    pub(super) current: Arc<Current>,
    /// Of each door, in the order of the configuration.
    pub(super) tls: Vec<Option<Arc<ServerTls>>>,
    /// Base URLs of the doors for callers, in the order of the configuration.
    pub callers: Vec<String>,
    /// Where operations watch.
    pub ops: SocketAddr,
    leaving: watch::Sender<bool>,
    drain: watch::Sender<bool>,
    drain_ops: watch::Sender<bool>,
    doors: Vec<JoinHandle<Drained>>,
    ops_door: JoinHandle<Drained>,
    sweeper: JoinHandle<()>,
    watcher: JoinHandle<()>,
    leases: Option<JoinHandle<()>>,
    refresh: Refresh,
    pub(super) clerk: Option<Clerk>,
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
        let journal = Journal::start(&settings.journal, &settings.node.id).await?;
        crate::ops::journal::watch(&metrics, &journal)?;
        let (payments, figures) = payments(&settings, &metrics).await?.unzip();
        let lasting = Lasting { journal, payments, metrics: Arc::clone(&metrics) };
        let gate = Arc::new(build::build(&settings, lasting, None)?);
        build::tell_certificates(&settings, &metrics);
        let current = Arc::new(Current::new(Arc::clone(&gate)));
        let refresh = Refresh::start(&current).await;
        let (drain, draining) = watch::channel(false);
        let (drain_ops, draining_ops) = watch::channel(false);
        let trust = client_trust(Arc::clone(&current));
        let look_ups = Arc::new(LookUps::new(&settings.limits));
        let (mut callers, mut doors, mut all_tls) = (Vec::new(), Vec::new(), Vec::new());
        for (at, listener) in settings.listeners.iter().enumerate() {
            let tls = ServerTls::load(listener, &trust)?;
            all_tls.push(tls.clone());
            let figures = metrics.callers.clone();
            let door = Door::bind(listener, &settings.limits, tls, figures).await?;
            let scheme = if listener.tls == TlsMode::Off { "http" } else { "https" };
            callers.push(format!("{scheme}://{}", door.address()));
            let (current, look_ups) = (Arc::clone(&current), Arc::clone(&look_ups));
            let front = Front { current, listener: at, look_ups };
            doors.push(tokio::spawn(door.serve(Arc::new(front), draining.clone())));
        }
        let door = Ops::bind(&settings, &metrics).await?;
        let ops = door.address();
        let (leaving, is_leaving) = watch::channel(false);
        let unready = unready(Arc::clone(&current), is_leaving);
        let handler = Arc::new(Ops::new(Arc::clone(&metrics), unready));
        let ops_door = tokio::spawn(door.serve(handler, draining_ops));
        let reconciled = ReconcileFigures::new(&metrics, &settings.payments.banks)?;
        let sweeper = tokio::spawn(sweep(Arc::clone(&current), figures, reconciled));
        let leases =
            gate.journal.is_shared().then(|| tokio::spawn(lease::look_after(Arc::clone(&current))));
        let watched = Arc::clone(&gate);
        let watcher = tokio::spawn(async move { watched.admission.lag().watch().await });
        let clerk = gate.desk.as_ref().map(|desk| Clerk::start(&gate, &desk.payments));
        metrics.reload.taken(trace::now_unix_s(), true);
        Ok(Self {
            gate,
            current,
            tls: all_tls,
            callers,
            ops,
            leaving,
            drain,
            drain_ops,
            doors,
            ops_door,
            sweeper,
            watcher,
            leases,
            refresh,
            clerk,
        })
    }

    /// Says at /ready that this node leaves, while it serves on: whoever parts the calls among nodes
    /// sends it no more.
    pub fn announce_end(&self) {
        self.leaving.send_replace(true);
    }

    /// Refuses new callers; who is in flight goes on.
    pub fn close_doors(&self) {
        self.drain.send_replace(true);
    }

    /// Refuses new callers, finishes what is in flight, tells what it could not finish and flushes the
    /// journal; returns how many calls, and exchanges with banks, the drain deadline cut.
    pub async fn drain(self) -> usize {
        self.announce_end();
        self.close_doors();
        let mut cut = 0;
        for door in self.doors {
            cut += door.await.map_or(0, |drained| drained.calls_cut);
        }
        self.sweeper.abort();
        self.watcher.abort();
        if let Some(leases) = &self.leases {
            leases.abort();
        }
        self.refresh.stop();
        let deadline = Instant::now() + self.gate.settings.limits.drain_deadline;
        if let Some(clerk) = self.clerk {
            cut += clerk.stop(deadline).await;
        }
        left::tell(&self.gate).await;
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

/// The payments of this node, where the installation has a bank to pay through.
async fn payments(
    settings: &Settings,
    metrics: &Metrics,
) -> Result<Option<(Payments, Figures)>, StartError> {
    if !settings.payments.are_taken() {
        return Ok(None);
    }
    let payments = Payments::start(&settings.payments, &settings.node.id).await?;
    let figures = crate::ops::payments::watch(metrics, &payments)?;
    Ok(Some((payments, figures)))
}

/// TLS asks the same trust that judges signatures; which participant it is, `identify` asks per call.
fn client_trust(current: Arc<Current>) -> ClientTrust {
    Arc::new(move |certificate, _chain, now| {
        let now_unix_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let gate = current.gate();
        let certificate = gate.trust.certificates().parse(certificate).map_err(Reason::word)?;
        let judged = gate.trust.judge(&certificate, now_unix_s).map_err(Reason::word)?;
        if gate.revocation.is_known_revoked(&judged, now_unix_s) {
            return Err(Reason::CertRevoked.word());
        }
        Ok(())
    })
}

fn unready(
    current: Arc<Current>,
    draining: watch::Receiver<bool>,
) -> impl Fn() -> Vec<&'static str> + Send + Sync {
    move || {
        let gate = current.gate();
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

/// Tells the metrics how full the ways to the agencies are, and how late the node is.
fn tell_levels(gate: &Gateway) {
    let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    gate.metrics.lease.gates.set(gauge(gate.admission.gates()));
    gate.metrics.lag.set(gate.admission.lag().now().as_secs_f64());
    for (id, levels) in gate.admission.levels() {
        let Some(figures) = gate.metrics.agency(id) else { continue };
        figures.in_flight.set(gauge(levels.in_flight));
        figures.in_flight_limit.set(gauge(levels.limit));
        figures.waiting.set(gauge(levels.waiting));
    }
}

async fn sweep(current: Arc<Current>, figures: Option<Figures>, reconciled: ReconcileFigures) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    for tick in 0_u64.. {
        ticks.tick().await;
        let gate = current.gate();
        gate.upstreams.sweep();
        tell_levels(&gate);
        if let Some(desk) = &gate.desk {
            desk.payments.try_again().await;
        }
        if tick % SWEEPS_PER_LOOK == 0 {
            gate.journal.look_after_unresolved().await;
            gate.journal.look_after_papers().await;
            if let (Some(desk), Some(figures)) = (&gate.desk, &figures)
                && let Ok(levels) = desk.payments.levels().await
            {
                figures.tell(&levels);
            }
            if let Some(desk) = &gate.desk
                && let Err(down) =
                    tell_reconciled(&desk.payments, &gate.settings, &reconciled).await
            {
                tracing::warn!(%down, "what is reconciled cannot be counted");
            }
        }
    }
}

/// Runs of a bank among which the last one of each end is looked for.
const LAST_RUNS: u32 = 50;

async fn tell_reconciled(
    payments: &Payments,
    settings: &Settings,
    figures: &ReconcileFigures,
) -> Result<(), JournalDown> {
    let counts = payments.break_counts().await?;
    let open = payments.reconcile_runs_open(u32::MAX).await?;
    let mut last = Vec::new();
    for bank in settings.payments.banks.keys() {
        last.extend(payments.reconcile_runs(bank, LAST_RUNS).await?);
    }
    figures.tell(&counts, &open, &last, crate::journal::now_us());
    Ok(())
}
