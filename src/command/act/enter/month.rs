//! A month's papers as entries: the report of a comparison, and all of its acts once both sides have signed each.

use super::super::folder::acts;
use super::super::judge::{By, judge};
use super::{About, PaperWord, sha256};
use crate::command::{Failure, read_input};
use crate::journal::papers::{Month, Paper};
use qaqpa_kit::hex;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

/// What is entered of a month's folder.
///
/// # Errors
/// It holds no comparison of services; an act is missing, or not signed by both sides.
pub(super) fn about(folder: &Path, paper: PaperWord, by: &By<'_>) -> Result<About, Failure> {
    let manifest = read_input(&folder.join("manifest.json"))?;
    let no_month = || Failure::work("manifest.json is not that of a month's services");
    let value: Value = serde_json::from_slice(&manifest).map_err(|_| no_month())?;
    let month = value.get("month").and_then(Value::as_str);
    let month = month.and_then(|month| Month::parse(month).ok()).ok_or_else(no_month)?;
    let (paper, service, content) = match paper {
        PaperWord::Report => (Paper::Report, "operator.report", manifest),
        PaperWord::Act => {
            let asked = value.get("acts").and_then(Value::as_u64).unwrap_or(0);
            (Paper::Act, "operator.acts", signed(folder, asked, by)?)
        }
    };
    Ok(About {
        key: paper.key(month),
        service,
        kind: "services".to_owned(),
        name: hex::lower(&sha256(&content)),
        correlation: month.to_string(),
        content,
    })
}

/// A list of all acts with their digests; each is verified, and its folder with it.
fn signed(folder: &Path, asked: u64, by: &By<'_>) -> Result<Vec<u8>, Failure> {
    let files = super::super::digested(folder)?;
    let by = By { trust: by.trust, at_unix_s: by.at_unix_s, folder: Some(&files) };
    let paths = acts(folder)?;
    if paths.len() as u64 != asked || asked == 0 {
        return Err(Failure::work(format!("{asked} acts were made, {} are there", paths.len())));
    }
    let mut list = String::new();
    for path in paths {
        let source = read_input(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        judge(&source, &by)
            .map_err(|fault| Failure::work(format!("{name}: {}", fault.public_line())))?;
        let _infallible = writeln!(list, "{} {name}", hex::lower(&sha256(&source)));
    }
    Ok(list.into_bytes())
}
