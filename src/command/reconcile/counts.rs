//! `qaqpa reconcile counts`: a month's services given, as agencies and as the service centres count them.

mod journal;

use super::{at, last_line};
use crate::command::{Failure, check, read_input};
use crate::reconcile::act::Party;
use crate::reconcile::report::Folder;
use crate::reconcile::services::compare::compare;
use crate::reconcile::services::form::{self, File, Month};
use crate::reconcile::services::report::{Comparison, write};
use crate::reconcile::services::{Counts, acts};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The name of the centre in a file of parties.
const CENTRE: &str = "centre";

/// Compare a month's services by number and quality, and write the acts of all branches and agencies.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The month, e.g. 2026-11.
    #[arg(long, value_name = "YYYY-MM", value_parser = Month::parse)]
    month: Month,
    /// What agencies, or a gateway, count: files in the form of counts.
    #[arg(long = "agency", value_name = "FILE", required_unless_present = "config")]
    agency: Vec<PathBuf>,
    /// Instead: the journal of this installation.
    #[arg(long, value_name = "FOLDER|FILE", conflicts_with = "agency")]
    config: Option<PathBuf>,
    /// What the service centres count: a file a branch, or one of all.
    #[arg(long = "centre", value_name = "FILE", required_unless_present = "export")]
    centre: Vec<PathBuf>,
    /// What the centre's head office says of all branches together, service by service.
    #[arg(long = "central", value_name = "FILE")]
    central: Vec<PathBuf>,
    /// Who signs: lines `agency;BIN;name`, and one of `centre`. Without it no act is written.
    #[arg(long, value_name = "FILE")]
    parties: Option<PathBuf>,
    /// Write the journal's counts as a file in the form of counts, and compare nothing.
    #[arg(long, value_name = "FILE", requires = "config", conflicts_with = "centre")]
    export: Option<PathBuf>,
    /// The folder for tables, page and acts; made where it is missing.
    #[arg(long, value_name = "DIR", required_unless_present = "export")]
    out: Option<PathBuf>,
    /// Answer in JSON only.
    #[arg(long)]
    json: bool,
}

/// Compares; differences are an answer, not a failure.
pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    if let (Some(export), Some(config)) = (&args.export, &args.config) {
        let text = journal::counts(config, args.month)?;
        crate::command::write_whole(export, &text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = args.out.as_deref().ok_or_else(|| Failure::usage("--out is needed"))?;
    let outcome = compared(&args, out);
    let manifest = match outcome {
        Ok(manifest) => manifest,
        Err(Stop::Refused(file, reason)) => {
            eprintln!("qaqpa: refused: {file}: {reason}");
            let refused = json!({ "file": file, "reason": reason });
            let seconds = began.elapsed().as_secs_f64();
            check::print(&json!({ "refused": refused, "seconds": seconds }).to_string());
            return Ok(ExitCode::from(1));
        }
        Err(Stop::Failed(failure)) => return Err(failure),
    };
    if !args.json {
        check::print(&table(&manifest));
    }
    check::print(&last_line(manifest, began));
    Ok(ExitCode::SUCCESS)
}

enum Stop {
    /// A file that is wrong, and why.
    Refused(String, String),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn compared(args: &Args, out: &Path) -> Result<Value, Stop> {
    let agency = match &args.config {
        Some(config) => {
            let text = journal::counts(config, args.month)?;
            let file = form::read(text.as_bytes());
            vec![file.map_err(|wrong| Failure::work(wrong.reason))?]
        }
        None => read(&args.agency)?,
    };
    let (centre, head_office) = (read(&args.centre)?, read(&args.central)?);
    let together = |files: &[File], paths: &[PathBuf]| {
        form::together(files, args.month).map_err(|(number, reason)| {
            let name =
                paths.get(number).map_or_else(String::new, |path| path.display().to_string());
            Stop::Refused(name, reason.to_owned())
        })
    };
    let ours = together(&agency, &args.agency)?;
    let theirs = together(&centre, &args.centre)?;
    let central: Counts = together(&head_office, &args.central)?;
    let mistake = |what: String| Failure::work(format!("a mistake of this program: {what}"));
    let held = compare(&ours, &theirs).map_err(mistake)?;
    let contents = acts::contents(&held).map_err(mistake)?;
    let parties = args.parties.as_deref().map(parties).transpose()?.unwrap_or_default();
    let both = |agency: &str| {
        let (agency, centre) = (parties.get(agency)?, parties.get(CENTRE)?);
        Some([centre.clone(), agency.clone()])
    };
    if args.parties.is_some() {
        let unknown = contents.keys().find(|about| both(&about.agency).is_none());
        if let Some(about) = unknown {
            let what = format!("--parties knows no BIN of {}, or none of {CENTRE}", about.agency);
            return Err(Failure::work(what).into());
        }
    }
    let folder = Folder::new(out).map_err(|error| at(out, &error))?;
    let comparison = Comparison {
        month: args.month,
        agency: &agency,
        centre: &centre,
        head_office: &head_office,
        held: &held,
        contents: &contents,
        central: &central,
        parties: &both,
    };
    Ok(write(&folder, &comparison).map_err(|error| at(out, &error))?)
}

fn read(paths: &[PathBuf]) -> Result<Vec<File>, Stop> {
    let mut files: Vec<File> = Vec::new();
    for path in paths {
        let file = form::read(&read_input(path)?).map_err(|wrong| {
            let place = if wrong.line > 0 { format!(":{}", wrong.line) } else { String::new() };
            Stop::Refused(format!("{}{place}", path.display()), wrong.reason)
        })?;
        // The same file a second time is no second file.
        if files.iter().all(|other| other.digest != file.digest) {
            files.push(file);
        }
    }
    Ok(files)
}

/// Lines `name;BIN;title`.
fn parties(path: &Path) -> Result<BTreeMap<String, Party>, Failure> {
    let wrong =
        |line: usize| Failure::work(format!("{}:{line}: not name;BIN;title", path.display()));
    let bytes = read_input(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(0))?;
    let mut parties = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
        let mut fields = line.splitn(3, ';');
        let (Some(name), Some(bin), Some(title)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(wrong(number));
        };
        if !form::is_name(name) || qaqpa_kit::ids::Bin::parse(bin, false).is_err() {
            return Err(wrong(number));
        }
        let role = if name == CENTRE { CENTRE } else { "agency" };
        let (bin, title) = (bin.to_owned(), title.to_owned());
        let party = Party { role: role.to_owned(), bin, name: title };
        if parties.insert(name.to_owned(), party).is_some() {
            return Err(wrong(number));
        }
    }
    Ok(parties)
}

/// What was found, for people.
fn table(manifest: &Value) -> String {
    let mut table = check::table(["", "keys"]);
    let number = |pointer: &str| {
        manifest.pointer(pointer).map_or_else(|| "0".to_owned(), ToString::to_string)
    };
    for (name, pointer) in [
        ("agency", "/rows/agency"),
        ("centre", "/rows/centre"),
        ("agreed", "/agreed"),
        ("head office differs", "/central_differences"),
        ("acts", "/acts"),
    ] {
        table.add_row([name.to_owned(), number(pointer)]);
    }
    let differences = manifest.get("differences").and_then(Value::as_object);
    for (verdict, count) in differences.into_iter().flatten() {
        table.add_row([verdict.clone(), count.to_string()]);
    }
    format!("{}\n", table.trim_fmt())
}
