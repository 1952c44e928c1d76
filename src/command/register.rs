//! `qaqpa register`: looks at a file of a bank before anybody reconciles with it, and writes it as neutral.

use super::reconcile::{secret, time};
use super::{Failure, check};
use crate::reconcile::ingest::day::Calendar;
use crate::reconcile::ingest::formats::{FORMATS, Format, Forms, Payments};
use crate::reconcile::ingest::frame::{Side, header};
use crate::reconcile::ingest::{IngestError, Input, Reading, Refusal, Taken, neutral, take};
use jiff::civil::Time;
use qaqpa_kit::hex;
use qaqpa_kit::register::Columns;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How files of a bank are to be read.
#[derive(Debug, clap::Args)]
pub struct Form {
    /// The form of the register: neutral, camt.053, camt.054, mt940, mt102, 1c, csv, xlsx; default: told
    /// by the content.
    #[arg(long, value_name = "FORM", value_parser = format)]
    format: Option<Format>,
    /// What the columns of a csv or xlsx mean: a file, or the bank adapter that knows.
    #[arg(long, value_name = "FILE.toml|ADAPTER")]
    columns: Option<String>,
    /// Which rows are payments: both, credits or debits; the others are returns.
    #[arg(long, value_name = "WAY", default_value = "both", value_parser = payments)]
    payments: Payments,
}

impl Form {
    /// What was asked for.
    ///
    /// # Errors
    /// There is no such description of columns, or it is wrong (64).
    pub fn forms(&self) -> Result<Forms, Failure> {
        let columns = self.columns.as_deref().map(columns).transpose()?;
        Ok(Forms { format: self.format, columns, payments: self.payments })
    }
}

/// A description of columns by its file, or by the adapter in whose manifest it stands.
fn columns(named: &str) -> Result<Columns, Failure> {
    if let Some(adapter) = qaqpa_adapters::find(named) {
        let known = adapter.manifest().register.clone();
        return known.ok_or_else(|| {
            Failure::usage(format!("the adapter {named} has no [register] in its adapter.toml"))
        });
    }
    let text = std::fs::read_to_string(named);
    let text = text.map_err(|error| Failure::usage(format!("{named}: {error}")))?;
    Columns::parse(&text).map_err(|reason| Failure::usage(format!("{named}: {reason}")))
}

/// Look at a bank's file: its form, its rows and sums, and whether it keeps its promises.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    form: Form,
    /// Write its rows in the neutral form.
    #[arg(long, value_name = "FILE.csv", requires = "header")]
    out: Option<PathBuf>,
    /// Bank and operating day of the neutral form, for the file tells neither.
    #[arg(long, value_name = "BANK:YYYY-MM-DD")]
    header: Option<String>,
    /// Astana time from which a payment belongs to the next operating day.
    #[arg(long, value_name = "HH:MM", default_value = "16:00", value_parser = time)]
    cut_off: Time,
    /// Answer in JSON only.
    #[arg(long)]
    json: bool,
}

/// Reads a file and tells what is in it.
///
/// # Errors
/// It is refused, or the disk failed (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let forms = args.form.forms()?;
    let scratch = tempfile::tempdir().map_err(|error| at(Path::new("scratch"), &error))?;
    let window = args.header.as_deref().map(window).transpose()?;
    let reading = Reading {
        secret: &secret()?,
        calendar: &Calendar::EveryDate { cut_off: args.cut_off },
        scratch: scratch.path(),
        open: &[],
        forms: &forms,
        window,
        blank: Default::default(),
        is_survey: true,
        progress: &|_| {},
    };
    let files = std::slice::from_ref(&args.file);
    let taken = match take(Side::Register, files, &reading) {
        Ok(taken) => taken,
        Err(IngestError::Refused(refusal)) => return Ok(told(&args, json!({}), Some(&refusal))),
        Err(error) => return Err(Failure::work(error)),
    };
    let Some(input) = taken.inputs.first() else { return Err(Failure::work("no file")) };
    let refusal = input.found.broken.clone().map(|(line, reason)| Refusal {
        side: Side::Register,
        file: args.file.display().to_string(),
        line,
        reason,
    });
    if let Some(path) = args.out.as_deref().filter(|_| refusal.is_none()) {
        neutral(&taken, path).map_err(|error| at(path, &error))?;
    }
    Ok(told(&args, object(&taken, input), refusal.as_ref()))
}

fn object(taken: &Taken, input: &Input) -> Value {
    let found = &input.found;
    json!({
        "format": found.format.word(),
        "sha256": hex::lower(&input.digest),
        "bytes": input.bytes,
        "statements": found.statements,
        "rows": taken.rows,
        "sum_tiyn": number(taken.sum_tiyn),
        "debits": { "rows": found.debits, "sum_tiyn": number(found.debits_tiyn) },
        "passed_over": found.passed_over,
    })
}

fn number(sum: i128) -> Value {
    i64::try_from(sum).map_or_else(|_| json!(sum.to_string()), |sum| json!(sum))
}

fn told(args: &Args, mut object: Value, refusal: Option<&Refusal>) -> ExitCode {
    if let Some(refusal) = refusal {
        let told = json!({ "line": refusal.line, "reason": refusal.reason });
        if let Some(object) = object.as_object_mut() {
            object.insert("refused".to_owned(), told);
        }
        eprintln!("qaqpa: refused: {refusal}");
    }
    if !args.json {
        let mut table = check::table(["", ""]);
        for (name, value) in object.as_object().into_iter().flatten() {
            table.add_row([name.clone(), value.to_string()]);
        }
        check::print(&format!("{}\n", table.trim_fmt()));
    }
    check::print(&object.to_string());
    ExitCode::from(u8::from(refusal.is_some()))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::work(format!("{}: {error}", path.display()))
}

/// Bank and day, read as the header of the neutral form reads them.
fn window(text: &str) -> Result<(String, crate::payments::calendar::OperatingDay), Failure> {
    let usage = || Failure::usage("--header is BANK:YYYY-MM-DD");
    let (bank, day) = text.split_once(':').ok_or_else(usage)?;
    let line = format!("#register;v=1;bank={bank};opdate={day};count=0;sum=0;enc=utf-8");
    let read = header(line.as_bytes()).map_err(Failure::usage)?;
    Ok((read.bank, read.day))
}

fn format(text: &str) -> Result<Format, String> {
    Format::named(text).ok_or_else(|| {
        let names = FORMATS.map(|(name, _)| name);
        format!("one of {}", names.join(", "))
    })
}

fn payments(text: &str) -> Result<Payments, String> {
    match text {
        "both" => Ok(Payments::Both),
        "credits" => Ok(Payments::Credits),
        "debits" => Ok(Payments::Debits),
        _ => Err("one of both, credits, debits".to_owned()),
    }
}
