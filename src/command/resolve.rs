//! `qaqpa resolve`: what became of a call that was left Unknown, as its agency's papers say.
//!
//! Like every word of a person it is said by a node of its own: on PostgreSQL beside running gateways, on an embedded
//! store while its gateway is stopped. It is an entry of the journal itself, open before it is done and closed with
//! what became of it. Refused frees the call's key: its caller may send the same call again.

use super::operator::{Saying, Who};
use super::{Failure, check, now_unix_us};
use crate::config;
use crate::config::settings::Settings;
use crate::journal::entry::{EntryId, Resolution, Resolved};
use crate::journal::record::Record;
use crate::journal::{Journal, JournalDown};
use qaqpa_kit::fault::Outcome;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What the entry of such a word is called.
const SERVICE: &str = "evidence.resolve";
/// How long the store has to take everything in before the command ends.
const DRAIN: Duration = Duration::from_secs(10);

/// Say what became of a call that was left Unknown.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The entry, as `qaqpa evidence --unknown` lists it.
    #[arg(value_name = "ENTRY")]
    id: EntryId,
    /// What its agency did with it.
    #[arg(long = "as", value_enum)]
    became: Became,
    /// The installation.
    #[arg(long, value_name = "FOLDER|FILE", default_value = "config")]
    config: PathBuf,
    #[command(flatten)]
    who: Who,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Became {
    /// The agency did it.
    Done,
    /// The agency did not; the same call may be sent again.
    Refused,
}

impl Became {
    const fn outcome(self) -> Outcome {
        match self {
            Self::Done => Outcome::Done,
            Self::Refused => Outcome::Refused,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The configuration has mistakes (78); the store cannot be used, or the entry does not wait for evidence (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let settings = config::load(&args.config).map_err(Failure::configuration)?;
    let is_json = args.json;
    let (entry, by, resolved) = super::block_on(said(&settings, args))??;
    let (id, outcome) = (resolved.0.to_string(), resolved.1.word());
    check::print(&if is_json {
        json!({ "entry": entry, "by": by, "resolved": id, "as": outcome }).to_string()
    } else {
        format!("done: {id} is {outcome} (entry {entry})")
    });
    Ok(ExitCode::SUCCESS)
}

/// The word's own entry, who spoke, and what was resolved as what.
async fn said(
    settings: &Settings,
    args: Args,
) -> Result<(String, String, (EntryId, Outcome)), Failure> {
    let (id, outcome) = (args.id, args.became.outcome());
    let subject = id.to_string();
    let asked = json!({ "entry": subject, "as": outcome.word() });
    let saying = Saying { service: SERVICE, agency: "operator", subject: &subject, asked: &asked };
    let speaker = args.who.speaks(settings, |speaker| saying.words(speaker).to_string())?;
    let node = format!("{}-operator", settings.node.id);
    let journal = Journal::start(&settings.journal, &node).await.map_err(Failure::work)?;
    let waits = journal.entry(id).await.map_err(down)?;
    waiting(id, waits.as_ref())?;
    let entry = saying.open(&journal, &speaker).await.map_err(down)?;
    let own_id = entry.id.to_string();
    let (resolved_at_us, note) = (now_unix_us(), speaker.line());
    let resolved = Resolved { id, resolved_at_us, outcome, evidence: "operator", note };
    let resolution = journal.resolve(resolved).await;
    let (ended, told) = match &resolution {
        Ok(Resolution::Written) => (Outcome::Done, "written"),
        Ok(Resolution::NotWaiting) => (Outcome::Refused, "it does not wait for evidence"),
        Err(_) => (Outcome::Unknown, ""),
    };
    entry.close(ended, told).await.map_err(down)?;
    journal.drain(Instant::now() + DRAIN).await.map_err(down)?;
    match resolution.map_err(down)? {
        Resolution::Written => Ok((own_id, speaker.operator, (id, outcome))),
        Resolution::NotWaiting => Err(Failure::work(format!("refused: {told} (entry {own_id})"))),
    }
}

/// Whether an operator may say what became of it.
fn waiting(id: EntryId, record: Option<&Record>) -> Result<(), Failure> {
    let Some(record) = record else {
        return Err(Failure::work(format!("there is no entry {id}")));
    };
    if !record.is_waiting() {
        return Err(Failure::work(format!("entry {id} does not wait for evidence")));
    }
    if record.is_order() {
        let order = &record.correlation_id;
        return Err(Failure::work(format!(
            "entry {id} is payment {order} on its way to its bank: say what became of the payment, \
             `qaqpa payments note {order} --said …`; its entries follow"
        )));
    }
    Ok(())
}

fn down(down: JournalDown) -> Failure {
    Failure::work(down)
}
