//! Enters the digest of a signed act in the journal, as an entry of the operator's.
//!
//! The node is one of its own, as for all words of an operator: on PostgreSQL beside running gateways, on an
//! embedded store while its gateway is stopped. Entering the same act again finds the entry that is there.

mod month;

use super::judge::{By, act, judge, now_unix_s, scanned};
use crate::command::{Failure, check, now_unix_us, read_input};
use crate::config;
use crate::config::settings::Settings;
use crate::journal::entry::{CallKey, Closed, EntryId, Opened, Opening, SameCall};
use crate::journal::{Journal, JournalDown};
use crate::sign::{Trust, joint};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use qaqpa_kit::fault::{Fault, Outcome};
use qaqpa_kit::hex;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The service under which acts stand in the journal.
const SERVICE: &str = "operator.act";
/// Seconds that the store has to take everything in before the command ends.
const DRAIN_S: u64 = 10;
/// How long an act is known again: ten years.
const KNOWN_US: i64 = 10 * 366 * 86_400 * 1_000_000;

/// Enter the digest of an act that both sides have signed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The installation whose journal takes it.
    #[arg(long = "journal-config", value_name = "FOLDER|FILE", default_value = "config")]
    config: PathBuf,
    /// Roots, intermediates, or the signers' own certificates; may be given several times.
    #[arg(long, value_name = "PEM", required = true)]
    trust: Vec<PathBuf>,
    /// Who enters it.
    #[arg(long = "by", value_name = "NAME")]
    operator: String,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    /// Enter a paper of a month's services instead of one act: its folder is given then.
    #[arg(long, value_enum)]
    paper: Option<PaperWord>,
    /// The act, signed by both sides; with --paper the folder that `qaqpa reconcile counts` left.
    file: PathBuf,
}

/// A paper that is owed for a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PaperWord {
    /// The comparison itself; due by the 3rd of the next month.
    Report,
    /// Its acts, each signed by both sides; due by the 15th.
    Act,
}

/// Verifies the act first: what is not signed by both sides is not entered.
pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let files: Vec<_> = args
        .trust
        .iter()
        .map(|path| read_input(path).map(|pem| (path.display(), pem)))
        .collect::<Result<_, _>>()?;
    let trust = Trust::load(files).map_err(Failure::work)?;
    let by = By { trust: Some(&trust), at_unix_s: now_unix_s(), folder: None };
    let about = match args.paper {
        Some(paper) => month::about(&args.file, paper, &by)?,
        None => one(&read_input(&args.file)?, &by)?,
    };
    let settings = config::load(&args.config).map_err(Failure::configuration)?;
    let act_sha256 = about.name.clone();
    let opened = opened(about, &args.operator);
    let entry = crate::command::block_on(enter(&settings, opened))??;
    let text = if args.json {
        json!({ "entry": entry.to_string(), "act_sha256": act_sha256 }).to_string()
    } else {
        format!("entered: act {act_sha256} (entry {entry})")
    };
    check::print(&text);
    Ok(ExitCode::SUCCESS)
}

/// What is entered.
pub(super) struct About {
    /// By which it is known again.
    pub(super) key: CallKey,
    pub(super) service: &'static str,
    pub(super) kind: String,
    /// Its digest in hex digits.
    pub(super) name: String,
    pub(super) correlation: String,
    /// Kept where bodies are kept.
    pub(super) content: Vec<u8>,
}

/// One act: its file by digest, its own digest as the message's id.
fn one(source: &[u8], by: &By<'_>) -> Result<About, Failure> {
    let failed = |fault: Fault| Failure::work(fault.public_line());
    judge(source, by).map_err(failed)?;
    let act = act(source).map_err(failed)?;
    let document = scanned(source).map_err(failed)?;
    let name = hex::lower(&joint::digest(&document).map_err(Failure::work)?);
    let about = format!("{SERVICE}\n{name}\n{}", hex::lower(&sha256(source)));
    Ok(About {
        key: CallKey(sha256(about.as_bytes())),
        service: SERVICE,
        kind: act.kind,
        name,
        correlation: format!("{} {}", act.subject, act.period.join("/")),
        content: source.to_vec(),
    })
}

fn opened(about: About, operator: &str) -> Opened {
    let at_us = now_unix_us();
    Opened {
        id: EntryId::at(at_us),
        key: about.key,
        message_key: about.key.0,
        opened_at_us: at_us,
        participant: "operator".to_owned(),
        sender_id: operator.to_owned(),
        agency: "operator".to_owned(),
        service: about.service.to_owned(),
        route_id: about.kind,
        message_id: about.name,
        correlation_id: about.correlation,
        caller_certificate: [0; 32],
        revocation: String::new(),
        request_digest: sha256(&about.content),
        request_bytes: about.content.len() as u64,
        request: Bytes::from(about.content),
    }
}

/// SHA-256 of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

async fn enter(settings: &Settings, opened: Opened) -> Result<EntryId, Failure> {
    let node = format!("{}-operator", settings.node.id);
    let journal = Journal::start(&settings.journal, &node).await.map_err(Failure::work)?;
    let (id, key, opened_at_us) = (opened.id, opened.key, opened.opened_at_us);
    let answer = Bytes::from(json!({ "act_sha256": opened.message_id }).to_string());
    let same_call = SameCall::until(opened_at_us + KNOWN_US, true);
    let entry = match journal.open(opened, same_call).await.map_err(down)? {
        Opening::Fresh => {
            let closed = closed(id, key, answer);
            journal.close(closed).await.map_err(down)?;
            id
        }
        Opening::Stored { entry, .. }
        | Opening::InFlight { entry }
        | Opening::LeftUnknown { entry }
        | Opening::Twin { entry } => entry,
    };
    let until = Instant::now() + Duration::from_secs(DRAIN_S);
    journal.drain(until).await.map_err(down)?;
    Ok(entry)
}

fn closed(id: EntryId, key: CallKey, answer: Bytes) -> Closed {
    let answer_digest = sha256(&answer);
    Closed {
        id,
        key,
        closed_at_us: now_unix_us(),
        outcome: Outcome::Done,
        fault: None,
        evidence: "operator",
        http_status: 200,
        agency_digest: [0; 32],
        agency_certificate: [0; 32],
        answer_digest,
        answer,
        streamed: None,
        phase_us: [0; 11],
        is_durable_first: true,
    }
}

fn down(down: JournalDown) -> Failure {
    Failure::work(format!("the journal does not take it: {}", down.cause))
}
