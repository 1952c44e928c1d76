//! `qaqpa serve`: runs the gateway until SIGTERM or ctrl-c, then finishes what is in flight.

use super::Failure;
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
    let served = super::block_on(serve(settings, metrics, args.ready_file))?;
    drop(log);
    served
}

async fn serve(
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    ready_file: Option<PathBuf>,
) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::work)?;
    let running = Running::start_with(settings, metrics).await?;
    let addresses = serde_json::json!({
        "callers": running.callers, "ops_url": format!("http://{}", running.ops),
    });
    tracing::info!(%addresses, "ready");
    if let Some(path) = ready_file {
        super::write_whole(&path, &addresses.to_string())?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("draining");
    let calls_cut = running.drain().await;
    tracing::info!(calls_cut, "drained");
    Ok(if calls_cut == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
