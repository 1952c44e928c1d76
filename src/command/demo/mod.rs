//! `qaqpa demo`: the main job on a throw-away installation, shown as a table, then kept up to try by hand.
//!
//! Calls pass real sockets and mutual TLS; outcome and fault are read from the gateway's journal.

mod calls;
mod day;
mod faces;
mod gost;
pub mod installation;
mod payment;
pub mod pki;
pub mod scratch;
mod show;

use super::Failure;
use installation::Installation;
use std::path::PathBuf;
use std::process::ExitCode;

/// How to run the demo.
#[derive(clap::Args)]
pub struct Args {
    /// Make the calls, then stop; exit code 1 if any did not end as expected.
    #[arg(long)]
    once: bool,
    /// One JSON object a line and call.
    #[arg(long)]
    json: bool,
    /// Keep keys, configuration and journal in this folder over restarts.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// A PostgreSQL URL; without it the journal is a SQLite file.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Write what a client needs into this file (JSON) once everything listens.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
/// The installation could not be made or started.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    // Kept until the end: dropping it removes the folder.
    let throw_away = match &args.state {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(Failure::work)?),
    };
    let state = match (&args.state, &throw_away) {
        (Some(state), _) => state.clone(),
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => return Err(Failure::work("no state folder")),
    };
    super::block_on(async {
        let installation = Installation::start(&state, args.store.as_deref()).await?;
        if let Some(path) = &args.ready_file {
            super::write_whole(path, &show::ready(&installation)?.to_string())?;
        }
        let calls = show::programme(&installation, args.json).await?;
        let paid = payment::programme(&installation, args.json).await?;
        let is_as_expected = day::programme(&installation, args.json).await? && paid && calls;
        if !args.once {
            show::addresses(&installation, args.json)?;
            super::told_to_stop().await?;
        }
        let calls_cut = installation.stop().await;
        let is_good = is_as_expected && calls_cut == 0;
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
    })?
}
