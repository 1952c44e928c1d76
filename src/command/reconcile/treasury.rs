//! `qaqpa reconcile treasury`: gateway, banks and Treasury of one day held against each other.

use super::{at, beside, last_line, secret};
use crate::command::{Failure, check};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::counts::Tally;
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::ingest::formats::Forms;
use crate::reconcile::ingest::frame::Side;
use crate::reconcile::report::Folder;
use crate::reconcile::run::{Job, Statement, run as reconcile};
use crate::reconcile::treasury::project::{Projection, seal};
use crate::reconcile::treasury::report::{Day, write};
use crate::reconcile::treasury::totals::{Totals, is_whole};
use crate::reconcile::treasury::walk::{Stop, Walked};
use crate::reconcile::treasury::{LEGS, Leg, Party};
use jiff::civil::{Date, time};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Hold gateway, banks and Treasury of one day against each other, row by row and by КБК and administrator.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The operating day, e.g. 2026-11-22.
    #[arg(long, value_name = "DATE")]
    day: Date,
    /// The gateway's side in the neutral form, a file a bank.
    #[arg(long, value_name = "FILE", required = true)]
    journal: Vec<PathBuf>,
    /// The banks' registers in the neutral form.
    #[arg(long, value_name = "FILE", required = true)]
    register: Vec<PathBuf>,
    /// The Treasury's statement in its neutral form.
    #[arg(long, value_name = "FILE", required = true)]
    treasury: Vec<PathBuf>,
    /// The folder for the reports; made where it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A folder for what does not fit in memory; default: beside DIR.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Answer in JSON only.
    #[arg(long)]
    json: bool,
}

/// One side in the common form.
struct Taken {
    files: Vec<Walked>,
    kept: Tally,
    rows: File,
}

/// Reconciles; breaks are an answer, not a failure.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let scratch = args.scratch.clone().unwrap_or_else(|| beside(&args.out));
    let folder = Folder::new(&args.out).map_err(|error| at(&args.out, &error))?;
    let mut totals = Totals::default();
    let mut sides = Vec::new();
    // The Treasury first: it says whose money a payee's is.
    for (party, paths) in [
        (Party::Treasury, &args.treasury),
        (Party::Register, &args.register),
        (Party::Journal, &args.journal),
    ] {
        match taken(party, paths, args.day, &scratch, &mut totals)? {
            Ok(side) => sides.push(side),
            Err(refused) => return Ok(told_refused(&refused, began.elapsed().as_secs_f64())),
        }
    }
    let (Some(journal), Some(register), Some(treasury)) = (sides.pop(), sides.pop(), sides.pop())
    else {
        return Err(Failure::work("a side is missing"));
    };
    let table = totals.table();
    let kept = [journal.kept, register.kept, treasury.kept];
    if !is_whole(&table, kept) {
        return Err(Failure::work("a mistake of this program: totals are not the rows"));
    }
    let files = [journal.files, register.files, treasury.files];
    let day = Day {
        day: OperatingDay::of(args.day),
        files: files.each_ref().map(Vec::as_slice),
        kept,
        totals: &table,
    };
    let mut rows = [journal.rows, register.rows, treasury.rows];
    let mut legs = Vec::new();
    for leg in LEGS {
        legs.push((leg, matched(leg, &day, &mut rows, &scratch)?));
    }
    let manifest = write(&folder, &day, &mut legs).map_err(|error| at(&args.out, &error))?;
    if !args.json {
        check::print(&shown(&manifest));
    }
    check::print(&last_line(manifest, began));
    Ok(ExitCode::SUCCESS)
}

/// A file that was refused, and why.
struct Refused {
    file: String,
    line: Option<u64>,
    reason: String,
}

fn taken(
    party: Party,
    paths: &[PathBuf],
    day: Date,
    scratch: &Path,
    totals: &mut Totals,
) -> Result<Result<Taken, Refused>, Failure> {
    let failed = |error: std::io::Error| at(scratch, &error);
    let mut to = BufWriter::new(tempfile::tempfile_in(scratch).map_err(failed)?);
    let mut files: Vec<Walked> = Vec::new();
    let mut side = Projection {
        party,
        day: OperatingDay::of(day),
        totals,
        to: &mut to,
        kept_rows: 0,
        kept_sum_tiyn: 0,
    };
    for path in paths {
        let file = File::open(path).map_err(|error| at(path, &error))?;
        match side.file(&mut BufReader::with_capacity(256 * 1_024, file)) {
            Ok(walked) if files.iter().any(|other| other.digest == walked.digest) => {
                let reason = "the same file a second time".to_owned();
                let file = path.display().to_string();
                return Ok(Err(Refused { file, line: None, reason }));
            }
            Ok(walked) => files.push(walked),
            Err(Stop::Wrong(line, reason)) => {
                let file = path.display().to_string();
                return Ok(Err(Refused { file, line: (line > 0).then_some(line), reason }));
            }
            Err(Stop::Io(error)) => return Err(at(path, &error)),
        }
    }
    let kept = Tally { rows: side.kept_rows, sum_tiyn: side.kept_sum_tiyn };
    let rows = to.into_inner().map_err(|error| at(scratch, error.error()))?;
    Ok(Ok(Taken { files, kept, rows }))
}

/// Two sides through the matching of a bank's day.
fn matched(
    leg: Leg,
    day: &Day<'_>,
    rows: &mut [File; 3],
    scratch: &Path,
) -> Result<Statement, Failure> {
    let failed = |error: std::io::Error| at(scratch, &error);
    let mut sealed = Vec::new();
    for (party, side) in [(leg.from, Side::Journal), (leg.to, Side::Register)] {
        let place = party as usize;
        let (Some(rows), Some(kept)) = (rows.get_mut(place), day.kept.get(place)) else {
            return Err(Failure::work("a side is missing"));
        };
        rows.rewind().map_err(failed)?;
        let file = tempfile::NamedTempFile::new_in(scratch).map_err(failed)?;
        let mut to = BufWriter::new(file);
        let count = (kept.rows, kept.sum_tiyn);
        let mut from = BufReader::with_capacity(256 * 1_024, rows);
        seal(&mut to, side, day.day, count, &mut from).map_err(failed)?;
        to.flush().map_err(failed)?;
        sealed.push(to.into_inner().map_err(|error| at(scratch, error.error()))?.into_temp_path());
    }
    let paths: Vec<PathBuf> = sealed.iter().map(|path| path.to_path_buf()).collect();
    let [from, to] = paths.as_slice() else { return Err(Failure::work("a side is missing")) };
    let job = Job {
        journal: std::slice::from_ref(from),
        register: std::slice::from_ref(to),
        open: &[],
        forms: &Forms::default(),
        calendar: &Calendar::EveryDate { cut_off: time(16, 0, 0, 0) },
        secret: &secret()?,
        scratch,
        progress: &|_| {},
        when_over: &|_| (),
        is_short_cut: true,
        fees_tiyn: &[],
    };
    reconcile(&job).map_err(Failure::work)
}

fn told_refused(refused: &Refused, seconds: f64) -> ExitCode {
    let Refused { file, line, reason } = refused;
    let place = line.map_or_else(String::new, |line| format!(":{line}"));
    eprintln!("qaqpa: refused: {file}{place}: {reason}");
    let object = json!({
        "breaks": { "FILE_INTEGRITY": 1 },
        "refused": { "file": file, "line": line, "reason": reason },
        "seconds": seconds,
    });
    check::print(&object.to_string());
    ExitCode::from(1)
}

/// What was found, for people.
fn shown(manifest: &Value) -> String {
    let mut table = check::table(["", "", ""]);
    for (party, side) in manifest["sides"].as_object().into_iter().flatten() {
        let taken = format!("{} rows", side["taken"]);
        table.add_row([party.clone(), taken, format!("{} tiyn", side["sum_tiyn"])]);
    }
    for (leg, found) in manifest["legs"].as_object().into_iter().flatten() {
        table.add_row([leg.clone(), "matched".to_owned(), found["matched"].to_string()]);
        for (category, count) in found["breaks"].as_object().into_iter().flatten() {
            table.add_row([leg.clone(), category.clone(), count.to_string()]);
        }
    }
    let number = |name: &str| manifest.pointer(&format!("/totals/{name}")).unwrap_or(&Value::Null);
    let differ = format!("{} of {}", number("differ"), number("lines"));
    table.add_row(["КБК, administrator".to_owned(), "differ".to_owned(), differ]);
    format!("{}\n", table.trim_fmt())
}
