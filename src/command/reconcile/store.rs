//! `qaqpa reconcile --bank`: the gateway's side comes from the payments store, and the result goes there.

use super::{Args, progress_bar, refused, told};
use crate::command::operator::operator;
use crate::command::{Failure, check};
use crate::config;
use crate::config::settings::{Bank, Settings};
use crate::journal::Journal;
use crate::payments::Payments;
use crate::payments::breaks::record::Origin;
use crate::payments::calendar::OperatingDay;
use crate::reconcile::desk::export::{Exported, export};
use crate::reconcile::desk::{Asked, Desk, Failed};
use crate::reconcile::ingest::IngestError;
use jiff::civil::Date;
use qaqpa_kit::hex;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds that the stores have to take everything in before the command ends.
const DRAIN_S: u64 = 10;

/// Whose day is taken from which installation's store.
#[derive(Debug, clap::Args)]
pub(super) struct From {
    /// The bank whose operating day is taken from the payments store: its id or its BIC.
    #[arg(long, conflicts_with_all = ["journal", "open", "scratch", "cut_off"])]
    pub bank: Option<String>,
    /// The operating day; default: the one that the register names.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "bank")]
    pub day: Option<Date>,
    /// The installation.
    #[arg(long, value_name = "FOLDER|FILE", default_value = "config")]
    pub config: PathBuf,
    /// Who you are. Only who may read the installation's secrets can say it, so it is believed.
    #[arg(long, value_name = "NAME", default_value = "operator", value_parser = operator)]
    pub operator: String,
}

/// The bank of that id or BIC.
///
/// # Errors
/// There is none.
pub(in crate::command) fn bank<'s>(
    settings: &'s Settings,
    name: &str,
) -> Result<&'s Arc<Bank>, Failure> {
    let banks = &settings.payments.banks;
    let by_bic = || banks.values().find(|bank| bank.bic.to_string() == name);
    banks.get(name).or_else(by_bic).ok_or_else(|| {
        let known: Vec<&str> = banks.keys().map(String::as_str).collect();
        Failure::usage(format!("there is no bank {name:?}; known are {}", known.join(", ")))
    })
}

/// The stores of an installation, opened by a command as a node of its own.
pub(in crate::command) struct Open {
    pub desk: Desk,
}

impl Open {
    /// Opens both.
    ///
    /// # Errors
    /// A store cannot be used; an embedded one is held by a running gateway.
    pub(in crate::command) async fn stores(settings: &Settings) -> Result<Self, Failure> {
        let node = format!("{}-operator", settings.node.id);
        let journal = Journal::start(&settings.journal, &node).await.map_err(Failure::work)?;
        let payments = Payments::start(&settings.payments, &node).await.map_err(Failure::work)?;
        Ok(Self { desk: Desk { payments, journal, node } })
    }

    /// Gives them back.
    ///
    /// # Errors
    /// The journal did not take everything in.
    pub(in crate::command) async fn close(self) -> Result<(), Failure> {
        let until = Instant::now() + Duration::from_secs(DRAIN_S);
        let payments = self.desk.payments.drain(until).await;
        self.desk.journal.drain(until).await.and(payments).map_err(Failure::work)
    }
}

/// Runs it.
///
/// # Errors
/// The configuration has mistakes (78), the day is open, or a store cannot be used (1).
pub(super) fn run(args: Args, out: PathBuf, began: Instant) -> Result<ExitCode, Failure> {
    let settings = config::load(&args.from.config).map_err(Failure::configuration)?;
    let name = args.from.bank.clone().unwrap_or_default();
    let bar = progress_bar(args.register.iter());
    let asked = Asked {
        bank: Arc::clone(bank(&settings, &name)?),
        day: args.from.day.map(OperatingDay::of),
        told_day: args.from.day.map(OperatingDay::of),
        registers: args.register.clone(),
        forms: args.form.forms()?,
        names: Vec::new(),
        out,
        source: Origin::Command,
        sender: args.from.operator.clone(),
        is_short_cut: !args.no_short_cut,
        progress: {
            let bar = bar.clone();
            Arc::new(move |bytes| bar.inc(bytes))
        },
    };
    let ended = crate::command::block_on(async {
        let open = Open::stores(&settings).await?;
        let ended = open.desk.reconcile(&asked).await;
        open.close().await?;
        Ok::<_, Failure>(ended)
    })??;
    bar.finish_and_clear();
    let seconds = began.elapsed().as_secs_f64();
    match ended {
        Ok(done) => {
            if done.led_on > 0 && !args.json {
                check::print(&format!(
                    "{} payments were unclear and are not any more",
                    done.led_on
                ));
            }
            told(&args, &done.statement, (&done.manifest, None), began);
            Ok(ExitCode::SUCCESS)
        }
        Err(Failed::Refused { error: Some(IngestError::Refused(refusal)), .. }) => {
            Ok(refused(&refusal, seconds))
        }
        Err(failed) => Err(Failure::work(failed)),
    }
}

/// Writes the journal's side of a day for `qaqpa payments export`.
///
/// # Errors
/// There is no such bank, or the store or the disk failed.
pub(in crate::command) async fn exported(
    settings: &Settings,
    (name, day): (&str, Date),
    out: &Path,
    is_json: bool,
) -> Result<String, Failure> {
    let payments = Payments::reading(&settings.payments).map_err(Failure::work)?;
    let (bank, day) = (bank(settings, name)?, OperatingDay::of(day));
    let written = export(&payments, bank, day, out).await.map_err(Failure::work)?;
    let Exported { rows, sum_tiyn, digest, is_closed } = written;
    let sha256 = hex::lower(&digest);
    if is_json {
        let line = json!({
            "bank": bank.id, "opdate": day.to_string(), "rows": rows, "sum_tiyn": sum_tiyn,
            "sha256": sha256, "closed": is_closed,
        });
        return Ok(line.to_string());
    }
    let state = if is_closed { "closed" } else { "open: it may change" };
    Ok(format!("{rows} payments, {sum_tiyn} tiyn, SHA-256 {sha256}; the day is {state}"))
}
