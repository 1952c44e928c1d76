//! A mistake in the configuration: its file, line and key, what is wrong, and the cure.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake or one warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, as the operator named it.
    pub file: String,
    /// Counted from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// The key with its tables, e.g. `listener[0].address`; empty where the whole file is meant.
    pub key: String,
    /// What is wrong: a clause without a full stop.
    pub wrong: String,
    /// What to do about it: a clause without a full stop.
    pub cure: String,
}

impl Finding {
    /// A finding about a file as a whole.
    pub(super) fn of_file(file: &str, wrong: impl fmt::Display, cure: impl fmt::Display) -> Self {
        let (wrong, cure) = (wrong.to_string(), cure.to_string());
        Self { file: file.to_owned(), line: None, key: String::new(), wrong, cure }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}. Cure: {}.", self.wrong, self.cure)
    }
}

/// Every mistake of a configuration, in the order of files and lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfigErrors {
    findings: Vec<Finding>,
    /// Files that the configuration names, those that are missing too: one that comes may be the cure.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
}

impl ConfigErrors {
    /// The mistakes.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for ConfigErrors {
    /// One mistake a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.findings.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The mistakes and warnings gathered so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Findings {
    /// Notes a mistake that belongs to no key.
    pub(super) fn file_error(&mut self, finding: Finding) {
        self.errors.push(finding);
    }

    /// Notes a mistake, unless it only follows from one already noted at the same key.
    pub(super) fn error(
        &mut self,
        place: &Place<'_>,
        wrong: impl fmt::Display,
        cure: impl fmt::Display,
    ) {
        if place.is_sure() {
            self.errors.push(place.finding(wrong, cure));
        }
    }

    /// Notes what works but should not stay so.
    pub(super) fn warning(
        &mut self,
        place: &Place<'_>,
        wrong: impl fmt::Display,
        cure: impl fmt::Display,
    ) {
        if place.is_sure() {
            self.warnings.push(place.finding(wrong, cure));
        }
    }

    /// Notes that a key which has no default is missing.
    pub(super) fn missing(&mut self, place: &Place<'_>, cure: impl fmt::Display) {
        self.error(place, "this key is missing", cure);
    }

    /// The warnings where there is no mistake, else the mistakes.
    pub(super) fn settle(mut self) -> Result<Vec<Finding>, ConfigErrors> {
        for findings in [&mut self.errors, &mut self.warnings] {
            findings.sort();
            findings.dedup();
        }
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(ConfigErrors { findings: self.errors, files: Vec::new() })
        }
    }
}

/// What is known of one file besides its values: where each key stands.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) file: String,
    /// Line of every key that is written, by its path.
    pub(super) lines: BTreeMap<String, usize>,
    /// Keys taken out of the reading because a mistake was noted there.
    pub(super) struck: Vec<String>,
    /// The file is not wholly TOML: what seems missing may stand in the unreadable part.
    pub(super) is_broken: bool,
}

impl Source {
    /// The file's top.
    pub(super) fn top(&self) -> Place<'_> {
        let (path, line) = (String::new(), None);
        Place { source: self, path, line, is_written: false, is_muted: false }
    }
}

/// A key's place, whether it is written there or not.
#[derive(Clone, Debug)]
pub(super) struct Place<'s> {
    source: &'s Source,
    path: String,
    /// Where it is not written: the line of the table around it.
    line: Option<usize>,
    is_written: bool,
    is_muted: bool,
}

impl Place<'_> {
    /// The key below this table.
    #[must_use]
    pub(super) fn key(&self, key: &str) -> Self {
        self.below(key_path(&self.path, key))
    }

    /// The item of this list, counted from 0.
    #[must_use]
    pub(super) fn item(&self, index: usize) -> Self {
        self.below(format!("{}[{index}]", self.path))
    }

    fn below(&self, path: String) -> Self {
        let written = self.source.lines.get(&path).copied();
        let is_muted = self.is_muted || self.source.struck.contains(&path);
        let line = written.or(self.line);
        Self { source: self.source, path, line, is_written: written.is_some(), is_muted }
    }

    /// The value read here is the one meant: it did not fall to a mistake noted already, and it does
    /// not stand in the part of the file that is no TOML.
    pub(super) fn is_sure(&self) -> bool {
        !self.is_muted && (self.is_written || !self.source.is_broken)
    }

    /// A file named in this one: relative names start at this file's folder.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        Path::new(&self.source.file).parent().unwrap_or(Path::new("")).join(file)
    }

    /// `file:line`, for a mistake elsewhere that refers here.
    pub(super) fn reference(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.source.file),
            None => self.source.file.clone(),
        }
    }

    fn finding(&self, wrong: impl fmt::Display, cure: impl fmt::Display) -> Finding {
        Finding {
            file: self.source.file.clone(),
            line: self.line,
            key: self.path.clone(),
            wrong: wrong.to_string(),
            cure: cure.to_string(),
        }
    }
}

/// A key's path below a table, quoted as TOML would where it needs to be.
pub(super) fn key_path(table: &str, key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let dot = if table.is_empty() { "" } else { "." };
    if !key.is_empty() && key.chars().all(is_bare) {
        format!("{table}{dot}{key}")
    } else {
        format!("{table}{dot}{key:?}")
    }
}

/// The candidate that the word was probably meant to be, if one is near.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let written = word.to_lowercase().replace('-', "_");
    candidates
        .iter()
        .map(|candidate| (edits(&written, &candidate.to_lowercase()), *candidate))
        .filter(|(edits, candidate)| *edits <= 1 + candidate.chars().count() / 5)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The least number of letters to insert, delete or replace (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.chars().enumerate() {
        let mut next = vec![done + 1];
        for ((above_left, above), wanted) in row.iter().zip(row.iter().skip(1)).zip(&to) {
            let left = next.last().copied().unwrap_or_default();
            let replaced = above_left + usize::from(letter != *wanted);
            next.push(replaced.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_found_and_a_far_one_is_not_forced() {
        let keys = ["sender_id", "services", "service_quota", "bin"];
        assert_eq!(nearest("sendr_id", &keys), Some("sender_id"));
        assert_eq!(nearest("sender-id", &keys), Some("sender_id"));
        assert_eq!(nearest("service", &keys), Some("services"));
        assert_eq!(nearest("pin", &keys), Some("bin"));
        assert_eq!(nearest("colour", &keys), None);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
    }

    #[test]
    fn a_key_that_is_not_written_is_placed_at_its_table() {
        let source = Source {
            file: "gateway.toml".to_owned(),
            lines: BTreeMap::from([("journal".to_owned(), 7), ("journal.store".to_owned(), 8)]),
            struck: vec!["journal.postgres".to_owned()],
            is_broken: false,
        };
        let journal = source.top().key("journal");
        assert_eq!(journal.key("store").reference(), "gateway.toml:8");
        assert_eq!(journal.key("body_policy").reference(), "gateway.toml:7");
        let mut findings = Findings::default();
        findings.error(&journal.key("postgres").key("url_file"), "follows only", "nothing");
        assert!(findings.settle().expect("muted below a struck table").is_empty());
    }

    #[test]
    fn a_finding_reads_file_line_key_wrong_and_cure() {
        let source = Source { file: "a.toml".to_owned(), ..Source::default() };
        let place = source.top().key("service_quota").key("a b");
        let mut findings = Findings::default();
        findings.error(&place, "no such service", "list it");
        let errors = findings.settle().expect_err("one error");
        assert_eq!(
            errors.to_string(),
            "a.toml: service_quota.\"a b\": no such service. Cure: list it."
        );
    }
}
