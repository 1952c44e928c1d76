//! `qaqpa canonicalize`: the canonical form, byte for byte as it is digested.

use super::{Failure, read_input, write_output};
use crate::sign::canonical::{self, Method, Options};
use qaqpa_kit::xml::{Document, Element, Limits};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the canonical form of a document or of one element (W3C: exclusive, 18 July 2002; inclusive
/// 1.0, 15 March 2001).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The element with this id (wsu:Id, Id, ID, id, xml:id or AssertionID); default: the document.
    #[arg(long)]
    id: Option<String>,
    /// Inclusive canonicalization instead of exclusive.
    #[arg(long, conflicts_with = "inclusive_prefixes")]
    inclusive: bool,
    /// `InclusiveNamespaces` PrefixList, separated by spaces; `#default` for the default namespace.
    #[arg(long, value_name = "PREFIXES", default_value = "")]
    inclusive_prefixes: String,
    /// Keep comments (`…#WithComments`).
    #[arg(long)]
    with_comments: bool,
    /// The document; `-` reads standard input.
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or is not well-formed, an id that names nothing or more than one
/// element, a relative namespace URI (it has no canonical form).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let source = read_input(&args.file)?;
    let document = Document::scan(&source, &Limits::default())
        .map_err(|error| Failure::work(format!("{} at byte {}", error.reason, error.at)))?;
    let prefixes: Vec<&str> = args
        .inclusive_prefixes
        .split_whitespace()
        .map(|prefix| if prefix == "#default" { "" } else { prefix })
        .collect();
    let options = Options {
        method: if args.inclusive { Method::Inclusive } else { Method::Exclusive },
        with_comments: args.with_comments,
        inclusive_prefixes: &prefixes,
        ..Options::default()
    };
    let mut canonical = Vec::with_capacity(source.len());
    let mut sink = |bytes: &[u8]| canonical.extend_from_slice(bytes);
    let report = match &args.id {
        Some(id) => canonical::element(named(&document, id)?, &options, &mut sink),
        None => canonical::document(&document, &options, &mut sink),
    };
    if let Some(at) = report.formless_at {
        return Err(Failure::work(format!("relative namespace URI at byte {at}")));
    }
    write_output(&canonical)?;
    Ok(ExitCode::SUCCESS)
}

fn named<'d>(document: &'d Document<'_>, id: &str) -> Result<Element<'d>, Failure> {
    let mut named = document.root().descendants().filter(|element| {
        element.attributes().any(|attribute| {
            matches!(attribute.local, "Id" | "ID" | "id" | "AssertionID") && attribute.value() == id
        })
    });
    match (named.next(), named.next()) {
        (Some(element), None) => Ok(element),
        (Some(_), Some(_)) => Err(Failure::work(format!("more than one element has the id {id}"))),
        (None, _) => Err(Failure::work(format!("no element has the id {id}"))),
    }
}
