//! Files in: each read once from front to end, its rows laid down by partition, nothing believed before its end.
//!
//! A file is its SHA-256. What its header and trailer promise (count, sum, digest) is checked against
//! what was read; a file that breaks a promise, or has one wrong row, is refused whole.

pub mod day;
pub mod frame;
mod intake;
pub mod row;
pub mod source;
pub mod spill;

use super::matching::fingerprint::Secret;
use aws_lc_rs::digest::{Context, SHA256};
use day::{Calendar, Days};
use frame::{Header, Side};
use intake::{Intake, Stop};
use row::Reason;
use spill::{PARTITIONS, Spill};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files of one side at most.
pub const FILES_MAX: usize = 255;
/// Bytes of a line at most; twelve fields of the longest shape are fewer.
pub const LINE_BYTES_MAX: usize = 1_024;
const BUFFER_BYTES: usize = 256 * 1_024;

/// What all files of a run are read with.
pub struct Reading<'a> {
    pub secret: &'a Secret,
    pub calendar: &'a Calendar,
    /// A folder for what does not fit in memory.
    pub scratch: &'a Path,
    /// What earlier runs left open: files with rows of both sides.
    pub open: &'a [PathBuf],
    /// Told of every few bytes that were read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// A file that was read and kept its promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub header: Header,
    /// SHA-256 of all bytes, which is its identity.
    pub digest: [u8; 32],
    pub bytes: u64,
}

/// Sums over the rows of one partition that two clean sides have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    pub sum_tiyn: i128,
    /// Sum of the rows' fingerprints modulo 2¹²⁸: of whatever order.
    pub content: u128,
}

/// One side, read.
pub struct Taken {
    pub inputs: Vec<Input>,
    /// Files of open rows, of both sides.
    pub open: Vec<Input>,
    /// This side's own, then those of open rows.
    pub files: Vec<File>,
    pub spill: Spill,
    pub digests: Vec<Digest>,
    pub rows: u64,
    pub sum_tiyn: i128,
    /// Rows of this side that were open before.
    pub carried_rows: u64,
    pub carried_sum_tiyn: i128,
    /// The ids came in ascending order, so that none stands twice.
    pub is_ascending: bool,
}

/// Why a run cannot go on.
#[derive(Debug)]
pub enum IngestError {
    /// The file is wrong: refused whole.
    Refused(Refusal),
    /// The disk.
    Io { what: String, error: io::Error },
}

/// A file that was refused, with the row that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub side: Side,
    pub file: String,
    /// 1 is the header; `None` where the file as a whole is wrong.
    pub line: Option<u64>,
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.reason),
            None => write!(f, "{}: {}", self.file, self.reason),
        }
    }
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Io { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for IngestError {}

/// Reads the files of one side. One that was given twice counts once.
///
/// # Errors
/// The first file that is wrong, or the disk.
pub fn take(side: Side, paths: &[PathBuf], reading: &Reading<'_>) -> Result<Taken, IngestError> {
    let failed = |error| IngestError::Io { what: reading.scratch.display().to_string(), error };
    let mut taken = Taken {
        inputs: Vec::new(),
        open: Vec::new(),
        files: Vec::new(),
        spill: Spill::new(reading.scratch, PARTITIONS + 1).map_err(failed)?,
        digests: vec![Digest::default(); PARTITIONS],
        rows: 0,
        sum_tiyn: 0,
        carried_rows: 0,
        carried_sum_tiyn: 0,
        is_ascending: true,
    };
    let mut last_id = Vec::new();
    let own = distinct(side, paths)?.into_iter().map(|path| (path, false));
    let before = distinct(side, reading.open)?.into_iter().map(|path| (path, true));
    for (path, is_carried) in own.chain(before) {
        let label = path.display().to_string();
        let file = open(&path).map_err(|error| IngestError::Io { what: label.clone(), error })?;
        let mut intake = Intake {
            side,
            number: taken.files.len() as u64,
            days: Days::new(reading.calendar.clone()),
            taken: &mut taken,
            last_id: &mut last_id,
            reading,
            lines: 0,
            header: None,
            is_ended: false,
            is_carried,
            hash: Context::new(&SHA256),
            rows: 0,
            sum_tiyn: 0,
        };
        let input = intake.file(&file).map_err(|error| match error {
            Stop::Wrong(Reason(reason)) => {
                let line = (intake.lines > 0).then_some(intake.lines);
                IngestError::Refused(Refusal { side, file: label.clone(), line, reason })
            }
            Stop::Whole(Reason(reason)) => {
                IngestError::Refused(Refusal { side, file: label.clone(), line: None, reason })
            }
            Stop::Io(error) => IngestError::Io { what: label.clone(), error },
        })?;
        let inputs = if is_carried { &mut taken.open } else { &mut taken.inputs };
        inputs.push(input);
        taken.files.push(file);
    }
    Ok(taken)
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // Rows are looked up again by their place.
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// The files without those whose bytes came before. Only files of one length can be equal, so only
/// those are read for it.
fn distinct(side: Side, paths: &[PathBuf]) -> Result<Vec<PathBuf>, IngestError> {
    if paths.len() > FILES_MAX {
        let reason = format!("more than {FILES_MAX} files of one side");
        let file = side.word().to_owned();
        return Err(IngestError::Refused(Refusal { side, file, line: None, reason }));
    }
    let failed = |path: &Path| {
        let what = path.display().to_string();
        move |error| IngestError::Io { what, error }
    };
    let mut lengths = Vec::new();
    for path in paths {
        lengths.push(open(path).and_then(|file| file.metadata()).map_err(failed(path))?.len());
    }
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for (path, length) in paths.iter().zip(&lengths) {
        let is_lone = lengths.iter().filter(|other| *other == length).count() == 1;
        if is_lone || seen.insert(digest(path).map_err(failed(path))?) {
            kept.push(path.clone());
        }
    }
    Ok(kept)
}

fn digest(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hash.finish().as_ref().to_vec());
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}
