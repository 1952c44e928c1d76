//! Files in: each read once from front to end, its rows laid down by partition, nothing believed before its end.
//!
//! A file is its SHA-256. What its header and trailer promise (count, sum, digest) is checked against
//! what was read; a file that breaks a promise, or has one wrong row, is refused whole.

mod blank;
pub mod day;
pub mod formats;
pub mod frame;
mod intake;
mod recoded;
pub mod row;
pub mod source;
pub mod spill;

use super::matching::fingerprint::{KEY_BYTES, Secret};
use crate::payments::calendar::OperatingDay;
use aws_lc_rs::digest::{Context, SHA256};
use blank::Blank;
use day::{Calendar, Days};
use formats::{Format, Forms, Found};
use frame::{Header, Side};
use intake::{Intake, Stop};
use qaqpa_kit::hex;
use row::{REQUISITES, Reason};
use spill::{PARTITIONS, Spill};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
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
    /// How the files of a bank are to be read.
    pub forms: &'a Forms,
    /// The bank and the day that are asked for, where a format tells neither.
    pub window: Option<(String, OperatingDay)>,
    /// Requisites that the other side tells in no row: not compared.
    pub blank: [bool; REQUISITES],
    /// Only look: a promise that a file breaks is told and does not refuse it.
    pub is_survey: bool,
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
    pub found: Found,
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
    /// This side's own, then those of open rows; of a foreign format the neutral text of its rows.
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

/// A secret that nobody had before, straight from the kernel: a generator of our own would be seeded for
/// a twentieth of a second, which is what half a bank's file takes.
///
/// # Errors
/// There is no source of randomness.
pub fn secret() -> io::Result<Secret> {
    let mut bytes = [0; KEY_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(Secret::new(&bytes))
}

/// Reads the files of one side. One that was given twice counts once.
///
/// # Errors
/// The first file that is wrong, or the disk.
pub fn take(side: Side, paths: &[PathBuf], reading: &Reading<'_>) -> Result<Taken, IngestError> {
    let mut taken = Taken {
        inputs: Vec::new(),
        open: Vec::new(),
        files: Vec::new(),
        spill: Spill::new(reading.scratch, PARTITIONS + 1),
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
            blank: Blank::new(reading.blank),
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
            last_day: None,
            sealed: None,
        };
        let read = one(&mut intake, file);
        let lines = intake.lines;
        let refused = |line: Option<u64>, reason: String| {
            IngestError::Refused(Refusal { side, file: label.clone(), line, reason })
        };
        let (input, file) = read.map_err(|error| match error {
            Stop::Wrong(Reason(reason)) => refused((lines > 0).then_some(lines), reason),
            Stop::Whole(Reason(reason)) => refused(None, reason),
            Stop::Io(error) => IngestError::Io { what: label.clone(), error },
        })?;
        if let Some((line, reason)) = &input.found.broken
            && !reading.is_survey
        {
            return Err(refused(*line, reason.clone()));
        }
        let inputs = if is_carried { &mut taken.open } else { &mut taken.inputs };
        inputs.push(input);
        taken.files.push(file);
    }
    Ok(taken)
}

/// Reads a file by its format, and hands back where its rows stand in the neutral form.
fn one(intake: &mut Intake<'_>, file: File) -> Result<(Input, File), Stop> {
    let head = formats::head(&file)?;
    let is_ours = intake.side == Side::Journal || intake.is_carried;
    let asked = intake.reading.forms.format;
    let format = if is_ours { Format::Neutral } else { asked.unwrap_or_else(|| Format::of(&head)) };
    match (format, recoded::encoding(&head)) {
        (Format::Neutral, None) => intake.file(&file).map(|input| (input, file)),
        (Format::Neutral, Some(encoding)) => recoded::file(intake, file, encoding),
        (format, _) => formats::file(intake, (&file, &head), format),
    }
}

/// Writes a side's rows as one file in the neutral form.
///
/// # Errors
/// The disk.
pub fn neutral(taken: &Taken, path: &Path) -> io::Result<()> {
    let Some(header) = taken.inputs.first().map(|input| &input.header) else { return Ok(()) };
    let side = header.side.map_or("register", Side::word);
    let Header { bank, day, .. } = header;
    let (rows, sum) = (taken.rows, taken.sum_tiyn);
    let head = format!("#{side};v=1;bank={bank};opdate={day};count={rows};sum={sum};enc=utf-8\n");
    let mut hash = Context::new(&SHA256);
    let mut to = BufWriter::new(File::create(path)?);
    let mut put = |bytes: &[u8]| {
        hash.update(bytes);
        to.write_all(bytes)
    };
    put(head.as_bytes())?;
    for (number, mut file) in taken.files.iter().enumerate() {
        file.rewind()?;
        let is_framed = !taken.is_partial(number);
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            let frame = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            if !(is_framed && frame.starts_with(b"#")) {
                put(line)?;
                put(b"\n")?;
            }
        }
    }
    let digest = hex::lower(hash.finish().as_ref());
    to.write_all(format!("#end;sha256={digest}\n").as_bytes())?;
    to.flush()
}

/// Bank and day in the header of the journal's first file: what a format that tells neither is taken for.
#[must_use]
pub fn promised(journal: &[PathBuf]) -> Option<(String, OperatingDay)> {
    let head =
        journal.first().and_then(|path| open(path).ok()).and_then(|f| formats::head(&f).ok())?;
    let head = formats::plain(&head);
    let line = head.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let header = frame::header(line).ok()?;
    Some((header.bank, header.day))
}

/// Whether a file of the register is of another form than the neutral one.
#[must_use]
pub fn is_foreign(register: &[PathBuf], forms: &Forms) -> bool {
    let head =
        |path: &PathBuf| open(path).and_then(|file| formats::head(&file)).unwrap_or_default();
    let format = |path| forms.format.unwrap_or_else(|| Format::of(&head(path)));
    register.iter().any(|path| format(path) != Format::Neutral)
}

impl Taken {
    /// Whether rows of a file leave requisites empty because its format does not carry them.
    #[must_use]
    pub fn is_partial(&self, number: usize) -> bool {
        self.inputs.get(number).is_some_and(|input| input.found.format != Format::Neutral)
    }

    /// Requisites that no row of this side tells, where every file of it may leave them out.
    #[must_use]
    pub fn blank(&self) -> [bool; REQUISITES] {
        let is_partial = (0..self.inputs.len()).all(|number| self.is_partial(number));
        std::array::from_fn(|at| {
            let told = |input: &Input| input.found.told.get(at).copied().unwrap_or(true);
            is_partial && !self.inputs.iter().any(told)
        })
    }
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
