//! `qaqpa serve`: runs the gateway until SIGTERM or ctrl-c, then finishes what is in flight.
//!
//! SIGHUP or a changed file brings the changed configuration.

use super::Failure;
use super::reconcile::Intake;
use crate::config::load::{Marks, marks};
use crate::config::{self, settings::Settings};
use crate::ops::log;
use crate::ops::metrics::Metrics;
use crate::proxy::start::Running;
use crate::sign::Reason;
use qaqpa_kit::redact;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// Which installation to run.
#[derive(clap::Args)]
pub struct Args {
    /// Folder with gateway.toml, services.toml and participants/.
    #[arg(long, default_value = "config")]
    config: PathBuf,
    /// Write the addresses into this file (JSON) once everything listens.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

/// Runs until told to stop; exit code 0 when no call was cut.
///
/// # Errors
/// The configuration, the journal or a socket cannot be used.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let inspection = config::inspect(&args.config).map_err(Failure::configuration)?;
    let settings = Arc::new(inspection.settings);
    let metrics = Arc::new(Metrics::new(&settings, &Reason::WORDS).map_err(Failure::work)?);
    let dropped = metrics.log_lines_dropped.clone();
    let (subscriber, log) = log::make(&settings.ops, redact::ids, dropped, std::io::stdout())
        .map_err(Failure::configuration)?;
    tracing::subscriber::set_global_default(subscriber).map_err(Failure::work)?;
    log::keep_panics();
    for warning in &inspection.warnings {
        tracing::warn!(%warning, "configuration");
    }
    let files = Files::seen(args.config, inspection.files);
    let served = super::block_on(serve((settings, metrics), files, args.ready_file))?;
    drop(log);
    served
}

/// The files of the configuration, and how they looked when they were last taken or refused.
struct Files {
    config: PathBuf,
    named: Vec<PathBuf>,
    judged: Marks,
    /// At the last look.
    last: Marks,
}

impl Files {
    fn seen(config: PathBuf, named: Vec<PathBuf>) -> Self {
        let judged = marks(&config, &named);
        Self { last: judged.clone(), config, named, judged }
    }

    /// Whether they differ from those last judged, and nobody is writing them any more: they look as
    /// they did at the look before.
    fn have_changed(&mut self) -> bool {
        let now = marks(&self.config, &self.named);
        let is_settled = now == self.last;
        self.last = now;
        is_settled && self.last != self.judged
    }

    /// Reads them all, and has the node take them; refused, they are not tried again until they change.
    async fn take(&mut self, running: &mut Running) {
        self.judged = marks(&self.config, &self.named);
        let config = self.config.clone();
        let inspected = tokio::task::spawn_blocking(move || config::inspect(&config)).await;
        let inspection = match inspected {
            Ok(Ok(inspection)) => inspection,
            Ok(Err(errors)) => {
                running.gate.metrics.reload.refused();
                tracing::error!(%errors, "the changed configuration is refused; the one before runs on");
                self.wait_for(errors.files);
                return;
            }
            Err(error) => {
                running.gate.metrics.reload.refused();
                tracing::error!(%error, "the changed configuration could not be read");
                return;
            }
        };
        for warning in &inspection.warnings {
            tracing::warn!(%warning, "configuration");
        }
        match running.reload(inspection.settings).await {
            Ok(()) => {
                self.named = inspection.files;
                self.judged = marks(&self.config, &self.named).as_of(&self.judged);
                tracing::info!("the changed configuration runs");
            }
            Err(error) => {
                tracing::error!(%error, "the changed configuration is refused; the one before runs on");
                self.wait_for(inspection.files);
            }
        }
    }

    /// Looks also at what the refused configuration names: a file that comes later may be its cure.
    fn wait_for(&mut self, named: Vec<PathBuf>) {
        self.named.extend(named);
        self.named.sort();
        self.named.dedup();
        self.judged = marks(&self.config, &self.named).as_of(&self.judged);
    }
}

async fn serve(
    (settings, metrics): (Arc<Settings>, Arc<Metrics>),
    mut files: Files,
    ready_file: Option<PathBuf>,
) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::work)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(Failure::work)?;
    let mut running = Running::start_with(Arc::clone(&settings), metrics).await?;
    let intake = Intake::start(&settings, &running.gate);
    let addresses = serde_json::json!({
        "callers": running.callers, "ops_url": format!("http://{}", running.ops),
    });
    tracing::info!(%addresses, "ready");
    if let Some(path) = ready_file {
        super::write_whole(&path, &addresses.to_string())?;
    }
    loop {
        let look = sleep(running.gate.settings.watch.unwrap_or_default());
        tokio::select! {
            _ = terminate.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
            _ = hang_up.recv() => files.take(&mut running).await,
            () = look, if running.gate.settings.watch.is_some() => {
                if files.have_changed() {
                    files.take(&mut running).await;
                }
            }
        }
    }
    running.announce_end();
    tracing::info!("draining");
    let notice = running.gate.settings.limits.drain_notice;
    if !notice.is_zero() {
        tokio::select! {
            () = sleep(notice) => {}
            // Told twice: at once.
            _ = terminate.recv() => {}
        }
    }
    // Before what may take long: nobody new is let in while a register is taken in to its end.
    running.close_doors();
    intake.stop().await;
    let calls_cut = running.drain().await;
    tracing::info!(calls_cut, "drained");
    Ok(if calls_cut == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
