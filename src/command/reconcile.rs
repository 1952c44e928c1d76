//! `qaqpa reconcile`: holds a journal and a bank's register of one day against each other.

mod breaks;
mod counts;
mod intake;
mod page;
pub(super) mod store;
mod summary;
mod treasury;

pub use intake::Intake;
pub(super) use store::exported;

use super::register::Form;
use super::{Failure, check};
use crate::reconcile::breaks::Category;
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::ingest::{self, IngestError, Refusal};
use crate::reconcile::matching::fingerprint::Secret;
use crate::reconcile::report::words::Language;
use crate::reconcile::report::{self, Folder};
use crate::reconcile::run::{Job, RunError, Stage, Statement, run as reconcile};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::civil::Time;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

/// Hold a journal and a bank's register of one operating day against each other.
///
/// The gateway's side comes from files (--journal), or with --bank from the payments store of an installation.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// The gateway's side in the neutral form; more than one where it is split.
    #[arg(long, value_name = "FILE", required_unless_present = "bank")]
    journal: Vec<PathBuf>,
    #[command(flatten)]
    from: store::From,
    /// The bank's register, in any form that `qaqpa register` reads; more than one where it is split.
    #[arg(long, value_name = "FILE", required = true)]
    register: Vec<PathBuf>,
    #[command(flatten)]
    form: Form,
    /// What an earlier run left open: its open.csv.
    #[arg(long, value_name = "FILE")]
    open: Vec<PathBuf>,
    /// The folder for the reports; made where it is missing.
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// Astana time from which a payment belongs to the next operating day.
    #[arg(long, value_name = "HH:MM", default_value = "16:00", value_parser = time)]
    cut_off: Time,
    /// A folder for what does not fit in memory; default: beside DIR.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Join every bucket, also those that their digests prove clean.
    #[arg(long)]
    no_short_cut: bool,
    /// A fee by which amounts may differ, in tiyn; pairs that differ by one are proposed, never matched.
    #[arg(long = "fee", value_name = "TIYN", conflicts_with = "bank", value_parser = clap::value_parser!(i64).range(1..))]
    fees: Vec<i64>,
    /// The language of the table on the terminal; the pages come in all three.
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
    /// Answer in JSON only.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The breaks that earlier runs have found, and the work on them until two operators end each.
    Breaks(breaks::Args),
    /// Compare a month's services by number and quality, and write the acts of branches and agencies.
    Counts(counts::Args),
    /// Hold gateway, banks and Treasury of one day against each other, also by КБК and administrator.
    Treasury(treasury::Args),
    /// Put the results of several banks and days on one page to print.
    Page(page::Args),
}

/// Reconciles two files; breaks are an answer, not a failure.
///
/// # Errors
/// A file was refused or the disk failed (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    match args.what {
        Some(What::Breaks(args)) => return breaks::run(args),
        Some(What::Counts(args)) => return counts::run(args),
        Some(What::Treasury(args)) => return treasury::run(&args),
        Some(What::Page(args)) => return page::run(&args),
        None => {}
    }
    let out = args.out.clone().ok_or_else(|| Failure::usage("--out is needed"))?;
    if args.from.bank.is_some() {
        return store::run(args, out, began);
    }
    let folder = Folder::new(&out).map_err(|error| at(&out, &error))?;
    let scratch = args.scratch.clone().unwrap_or_else(|| beside(&out));
    let forms = args.form.forms()?;
    let calendar = Calendar::EveryDate { cut_off: args.cut_off };
    let secret = secret()?;
    let bar = progress_bar(args.journal.iter().chain(&args.register).chain(&args.open));
    let (read_s, matched_s) = (OnceLock::new(), OnceLock::new());
    let over = |stage| if stage == Stage::Read { &read_s } else { &matched_s };
    let job = Job {
        journal: &args.journal,
        register: &args.register,
        open: &args.open,
        forms: &forms,
        calendar: &calendar,
        secret: &secret,
        scratch: &scratch,
        progress: &|bytes| bar.inc(bytes),
        when_over: &|stage| over(stage).set(began.elapsed().as_secs_f64()).unwrap_or_default(),
        is_short_cut: !args.no_short_cut,
        fees_tiyn: &args.fees,
    };
    let outcome = reconcile(&job);
    bar.finish_and_clear();
    let mut statement = match outcome {
        Ok(statement) => statement,
        Err(RunError::Ingest(IngestError::Refused(refusal))) => {
            return Ok(refused(&refusal, began.elapsed().as_secs_f64()));
        }
        Err(error) => return Err(Failure::work(error)),
    };
    let manifest = report::write(&mut statement, &calendar, &folder);
    let manifest = manifest.map_err(|error| at(&out, &error))?;
    let [read_s, matched_s] = [read_s, matched_s].map(|it| it.into_inner().unwrap_or_default());
    let stages = json!({ "read": read_s, "match": matched_s - read_s });
    told(&args, &statement, (&manifest, Some(stages)), began);
    Ok(ExitCode::SUCCESS)
}

/// A table for people, and the last line, with the times of stages where they are known.
fn told(
    args: &Args,
    statement: &Statement,
    (manifest, stages): (&Value, Option<Value>),
    began: Instant,
) {
    if !args.json {
        check::print(&summary::table(statement, args.lang));
    }
    let mut line = line(manifest, began.elapsed().as_secs_f64());
    if let (Value::Object(fields), Some(stages)) = (&mut line, stages) {
        fields.insert("stages".to_owned(), stages);
    }
    check::print(&line.to_string());
}

/// What the last line of standard output says, with the time that the run took.
fn line(manifest: &Value, seconds: f64) -> Value {
    let field = |name: &str| manifest.get(name).cloned().unwrap_or_default();
    json!({
        "bank": field("bank"),
        "opdate": field("opdate"),
        "matched": field("matched"),
        "matched_by": field("matched_by"),
        "rows": field("rows"),
        "carried": field("carried"),
        "breaks": field("breaks"),
        "proposals": field("proposals"),
        "sums": field("sums"),
        "seconds": seconds,
    })
}

/// The last line of a comparison that counts otherwise: its manifest, with the time that it took.
fn last_line(manifest: Value, began: Instant) -> String {
    let mut line = manifest;
    if let Value::Object(fields) = &mut line {
        fields.insert("seconds".to_owned(), began.elapsed().as_secs_f64().into());
    }
    line.to_string()
}

/// Nothing of a refused file is believed, so there is nothing to count but the refusal.
fn refused(refusal: &Refusal, seconds: f64) -> ExitCode {
    eprintln!("qaqpa: refused: {refusal}");
    let object = json!({
        "matched": 0,
        "rows": { "journal": 0, "register": 0 },
        "breaks": { Category::FileIntegrity.word(): 1 },
        "sums": { "journal": 0, "register": 0, "matched": 0 },
        "refused": {
            "side": refusal.side, "file": refusal.file, "line": refusal.line,
            "reason": refusal.reason,
        },
        "seconds": seconds,
    });
    check::print(&object.to_string());
    ExitCode::from(1)
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::work(format!("{}: {error}", path.display()))
}

fn beside(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

pub(super) fn secret() -> Result<Secret, Failure> {
    ingest::secret().map_err(|error| Failure::work(format!("no random numbers: {error}")))
}

pub(super) fn time(text: &str) -> Result<Time, String> {
    let is_shaped = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    let time = is_shaped.then(|| text.parse().ok()).flatten();
    time.ok_or_else(|| "no time like 16:00".to_owned())
}

fn progress_bar<'a>(files: impl Iterator<Item = &'a PathBuf>) -> ProgressBar {
    let sizes = files.filter_map(|file| std::fs::metadata(file).ok());
    let bytes = sizes.map(|size| size.len()).sum();
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
