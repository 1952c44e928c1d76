//! Findings in the order of reports, however many: sorted in memory, or in runs on disk that are merged.

use crate::payments::calendar::OperatingDay;
use crate::reconcile::breaks::{CATEGORIES, Finding};
use crate::reconcile::ingest::day::{Calendar, Days};
use crate::reconcile::ingest::frame::Side;
use crate::reconcile::ingest::source::Line;
use crate::reconcile::matching::record::At;
use crate::reconcile::matching::residual::RULES;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Findings held in memory, some 600 bytes each.
const HELD_MAX: usize = 4_000;
/// Runs of one level that are merged into one of the next, so that few files are open at once.
const RUNS_MAX: usize = 32;

/// Takes findings in any order.
pub struct Sorter {
    held: Vec<Finding>,
    held_max: usize,
    /// Runs on disk; those of a level are some [`RUNS_MAX`] times as long as those of the one before.
    levels: Vec<Vec<File>>,
    scratch: PathBuf,
    calendar: Calendar,
}

impl Sorter {
    /// An empty one, with a folder for what does not fit in memory.
    #[must_use]
    pub fn new(scratch: &Path, calendar: &Calendar) -> Self {
        let (scratch, calendar) = (scratch.to_owned(), calendar.clone());
        Self { held: Vec::new(), held_max: HELD_MAX, levels: Vec::new(), scratch, calendar }
    }

    /// Takes one.
    ///
    /// # Errors
    /// The disk.
    pub fn push(&mut self, finding: Finding) -> io::Result<()> {
        self.held.push(finding);
        if self.held.len() < self.held_max {
            return Ok(());
        }
        self.held.sort_by(Finding::order);
        let mut held = self.held.drain(..);
        let mut run = run(&self.scratch, || Ok(held.next()))?;
        drop(held);
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(runs) = self.levels.get_mut(level) else { break };
            runs.push(run);
            if runs.len() < RUNS_MAX {
                break;
            }
            let mut merged = Sorted::of(Vec::new(), std::mem::take(runs), &self.calendar)?;
            run = self::run(&self.scratch, || merged.take())?;
        }
        Ok(())
    }

    /// All of them, in order.
    ///
    /// # Errors
    /// The disk.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        self.held.sort_by(Finding::order);
        Sorted::of(self.held, self.levels.into_iter().flatten(), &self.calendar)
    }
}

/// A file without a name, of findings that come in order.
fn run(scratch: &Path, mut next: impl FnMut() -> io::Result<Option<Finding>>) -> io::Result<File> {
    let mut run = BufWriter::new(tempfile::tempfile_in(scratch)?);
    while let Some(finding) = next()? {
        write(&mut run, &finding)?;
    }
    let mut file = run.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// Findings in order; each is handed out once.
pub struct Sorted {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<Head>>,
}

enum Run {
    Held(std::vec::IntoIter<Finding>),
    Disk(BufReader<File>, Box<Days>),
}

struct Head {
    finding: Finding,
    run: usize,
}

impl Sorted {
    /// Of sorted ones in memory, and of files that hold sorted ones.
    fn of(
        held: Vec<Finding>,
        files: impl IntoIterator<Item = File>,
        calendar: &Calendar,
    ) -> io::Result<Self> {
        let disk = |file| Run::Disk(BufReader::new(file), Box::new(Days::new(calendar.clone())));
        let runs = std::iter::once(Run::Held(held.into_iter()));
        let runs: Vec<_> = runs.chain(files.into_iter().map(disk)).collect();
        let mut sorted = Self { runs, heads: BinaryHeap::new() };
        for run in 0..sorted.runs.len() {
            sorted.advance(run)?;
        }
        Ok(sorted)
    }

    /// The next finding.
    ///
    /// # Errors
    /// The disk.
    pub fn take(&mut self) -> io::Result<Option<Finding>> {
        let Some(Reverse(head)) = self.heads.pop() else { return Ok(None) };
        self.advance(head.run)?;
        Ok(Some(head.finding))
    }

    fn advance(&mut self, run: usize) -> io::Result<()> {
        let next = match self.runs.get_mut(run) {
            Some(Run::Held(held)) => held.next(),
            Some(Run::Disk(file, days)) => read(file, days)?,
            None => None,
        };
        self.heads.extend(next.map(|finding| Reverse(Head { finding, run })));
        Ok(())
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.finding.order(&other.finding)
    }
}

/// Set in the number of the category where the register's row leaves requisites out.
const PARTIAL: u8 = 0x80;

/// A finding on disk: its category and rule by number (0 is none), then three texts with their length.
fn write(to: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let category = finding.category.and_then(|it| CATEGORIES.iter().position(|c| *c == it));
    let rule = finding.rule.and_then(|it| RULES.iter().position(|rule| *rule == it));
    let is_partial = finding.register.as_ref().is_some_and(|line| line.is_partial);
    for (number, mark) in [(category, is_partial), (rule, false)] {
        let number = number.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(0);
        to.write_all(&[if mark { number | PARTIAL } else { number }])?;
    }
    let text = |line: &Option<Line>| line.as_ref().map_or_else(Vec::new, |it| it.text().to_vec());
    for text in [text(&finding.journal), text(&finding.register), finding.candidates.clone().into()]
    {
        let length = u16::try_from(text.len()).map_err(io::Error::other)?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&text)?;
    }
    for line in [&finding.journal, &finding.register] {
        let since = line.as_ref().and_then(|line| line.since);
        to.write_all(&since.map_or(i32::MIN, |day| day.0).to_le_bytes())?;
    }
    Ok(())
}

fn read(from: &mut impl Read, days: &mut Days) -> io::Result<Option<Finding>> {
    let mut numbers = [0_u8; 2];
    match from.read_exact(&mut numbers) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let is_partial = numbers.first().is_some_and(|number| number & PARTIAL != 0);
    let [category, rule] = numbers.map(|number| usize::from(number & !PARTIAL).checked_sub(1));
    let mut text = || {
        let mut length = [0_u8; 2];
        from.read_exact(&mut length)?;
        let mut text = vec![0; usize::from(u16::from_le_bytes(length))];
        from.read_exact(&mut text).map(|()| text)
    };
    let [journal, register, candidates] = [text()?, text()?, text()?];
    let mut day = || {
        let mut number = [0_u8; 4];
        from.read_exact(&mut number)?;
        let number = i32::from_le_bytes(number);
        Ok::<_, io::Error>((number != i32::MIN).then_some(OperatingDay(number)))
    };
    let (ours, theirs) = (day()?, day()?);
    let nowhere = At { file: 0, offset: 0 };
    let mut line = |side, text: &[u8], since| {
        Line::of(side, nowhere, text, days).map(|line| line.open_since(since))
    };
    Ok(Some(Finding {
        category: category.and_then(|at| CATEGORIES.get(at).copied()),
        rule: rule.and_then(|at| RULES.get(at).copied()),
        journal: line(Side::Journal, &journal, ours),
        register: line(Side::Register, &register, theirs).map(|mut line| {
            line.is_partial = is_partial;
            line
        }),
        candidates: String::from_utf8_lossy(&candidates).into_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(number: usize, days: &mut Days) -> Finding {
        let amount = number + 1;
        let row = format!(
            "GW{number:06};47;;;;;{amount};KZT;POSTED;2026-11-22T14:30:05+05:00;2026-11-22;CLEARING"
        );
        let nowhere = At { file: 0, offset: 0 };
        let line = Line::of(Side::Journal, nowhere, row.as_bytes(), days).unwrap();
        Finding::alone(line, format!("candidate of {number}"))
    }

    #[test]
    fn any_number_of_findings_comes_back_whole_and_in_order_from_few_files() {
        let folder = tempfile::tempdir().unwrap();
        let calendar = Calendar::EveryDate { cut_off: jiff::civil::time(16, 0, 0, 0) };
        let mut days = Days::new(calendar.clone());
        // None on disk, some, a level that is full, and two levels with some over.
        for count in [0, 1, 2, 3, 2 * RUNS_MAX, 2 * RUNS_MAX * RUNS_MAX + 2 * RUNS_MAX + 3] {
            let mut sorter = Sorter::new(folder.path(), &calendar);
            sorter.held_max = 2;
            for number in 0..count {
                // A step that has no part with the count leads over all of them, far apart.
                sorter.push(alone(number * 1_000_003 % count, &mut days)).unwrap();
            }
            assert!(sorter.levels.iter().all(|runs| runs.len() < RUNS_MAX));
            let mut sorted = sorter.sorted().unwrap();
            for number in 0..count {
                assert_eq!(sorted.take().unwrap(), Some(alone(number, &mut days)), "of {count}");
            }
            assert_eq!(sorted.take().unwrap(), None);
        }
    }
}
