//! `qaqpa reconcile page`: the results of several banks and days on one page to print.

use crate::command::{Failure, check, write_whole};
use crate::reconcile::report::overview::{page, read};
use crate::reconcile::report::words::Language;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Put the results of several banks and days on one page to print.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders that runs of `qaqpa reconcile` left, each of one bank and day.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// The page to write, as HTML: it runs nothing and loads nothing.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Its language.
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Writes it.
///
/// # Errors
/// A folder holds no finished result of a bank's day, or one day is there twice; the disk (1).
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let all: Result<Vec<_>, _> = args.folders.iter().map(|folder| read(folder)).collect();
    let text = page(args.lang, all.map_err(Failure::work)?).map_err(Failure::work)?;
    write_whole(&args.out, &text)?;
    let (days, page) = (args.folders.len(), args.out.display());
    check::print(&if args.json {
        json!({ "page": page.to_string(), "days": days }).to_string()
    } else {
        format!("{page}: {days} days of banks")
    });
    Ok(ExitCode::SUCCESS)
}
