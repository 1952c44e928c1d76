//! One reconciliation from files to findings: read, short cut, join, residual stages, and the proof that no row was lost.

use super::breaks::{Finding, Window};
use super::counts::{Counts, Tally};
use super::ingest::day::Calendar;
use super::ingest::formats::Forms;
use super::ingest::frame::Side;
use super::ingest::row::REQUISITES;
use super::ingest::source::Sources;
use super::ingest::spill::{LOOSE, PARTITIONS, Record, Spill};
use super::ingest::{IngestError, Input, Reading, Refusal, Taken, is_foreign, promised, take};
use super::matching::fingerprint::Secret;
use super::matching::partition::Join;
use super::matching::residual::Rule;
use super::matching::{group, record};
use super::open::{Guesses, Open};
use super::report::sorter::{Sorted, Sorter};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Records of both sides joined at once; a partition with more is read several times.
const RECORDS_MAX: usize = 100_000;
/// Room for the records of a pass, for this part more than its share: a pass's is even but for chance.
const RESERVE_PART: usize = 16;
/// Rows of one id at most, both sides together; a file with more is refused.
const COPIES_MAX: usize = 20_000;
/// Threads that join; more would only wait for the disk and for memory.
const WORKERS: usize = 2;

/// What is to be reconciled.
pub struct Job<'a> {
    pub journal: &'a [PathBuf],
    pub register: &'a [PathBuf],
    /// What earlier runs left open.
    pub open: &'a [PathBuf],
    /// How the register's files are to be read.
    pub forms: &'a Forms,
    pub calendar: &'a Calendar,
    /// Random, and never used again.
    pub secret: &'a Secret,
    /// A folder for what does not fit in memory.
    pub scratch: &'a Path,
    /// Told of every few bytes that were read.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Told of every stage that is over.
    pub when_over: &'a (dyn Fn(Stage) + Sync),
    /// Prove clean buckets by their digests instead of joining them.
    pub is_short_cut: bool,
    /// Differences that a bank's fee explains: pairs that differ by one of them are proposed.
    pub fees_tiyn: &'a [i64],
}

/// The stages of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading, judging and digesting both sides.
    Read,
    /// Everything that finds pairs and breaks.
    Match,
}

/// What came of a run.
pub struct Statement {
    pub window: Window,
    pub journal: Vec<Input>,
    pub register: Vec<Input>,
    /// Files of rows that earlier runs left open.
    pub open: Vec<Input>,
    pub journal_rows: Tally,
    pub register_rows: Tally,
    /// Rows that were open before, by side.
    pub journal_carried: Tally,
    pub register_carried: Tally,
    pub counts: Counts,
    /// Breaks, and pairs of residual rules, in the order of reports.
    pub findings: Sorted,
    /// What might belong together among the rows that are left.
    pub guesses: Guesses,
    pub fees_tiyn: Vec<i64>,
}

impl Statement {
    /// Rows of both sides that were open before.
    #[must_use]
    pub fn carried(&self) -> Tally {
        let mut carried = self.journal_carried;
        carried.join(self.register_carried);
        carried
    }
}

/// Why there is no statement.
#[derive(Debug)]
pub enum RunError {
    Ingest(IngestError),
    /// The scratch folder.
    Scratch(io::Error),
    /// Rows or money of a side are not those of its pairs and breaks: a mistake of this program.
    Partition(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ingest(error) => error.fmt(f),
            Self::Scratch(error) => write!(f, "while matching: {error}"),
            Self::Partition(what) => write!(f, "a mistake of this program: {what}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Scratch(error)
    }
}

/// Reconciles.
///
/// # Errors
/// A file is refused, the disk failed, or the invariant of the partition does not hold.
pub fn run(job: &Job<'_>) -> Result<Statement, RunError> {
    let (mut journal, mut register) = sides(job).map_err(RunError::Ingest)?;
    let window = window(&journal, &register, job).map_err(RunError::Ingest)?;
    (job.when_over)(Stage::Read);
    let shared = Shared {
        next: AtomicUsize::new(0),
        open: Mutex::new(Spill::new(job.scratch, 2)),
        sorter: Mutex::new(Sorter::new(job.scratch, job.calendar)),
        journal: &journal,
        register: &register,
        job,
    };
    let mut counts = Counts::default();
    let joined: Vec<Result<Counts, RunError>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| shared.work())).collect();
        workers.into_iter().map(joined).collect()
    });
    for worker in joined {
        counts.join(&worker?);
    }
    let mut sorter = shared.sorter.into_inner().unwrap_or_else(PoisonError::into_inner);
    let lone = shared.open.into_inner().unwrap_or_else(PoisonError::into_inner);
    // What was joined is of no use any more, and the stages that follow want the room.
    journal.spill.keep(LOOSE)?;
    register.spill.keep(LOOSE)?;
    let mut take = |finding: Finding| {
        counts.finding(&finding);
        sorter.push(finding)
    };
    let mut sources = sources(&journal, &register, job);
    let spills = [&journal.spill, &register.spill];
    let guesses = Open::new(lone, spills, job.fees_tiyn).settle(&mut sources, &mut take)?;
    let total = |taken: &Taken| Tally { rows: taken.rows, sum_tiyn: taken.sum_tiyn };
    let carried =
        |taken: &Taken| Tally { rows: taken.carried_rows, sum_tiyn: taken.carried_sum_tiyn };
    prove(&counts, Side::Journal, [total(&journal), carried(&journal)])?;
    prove(&counts, Side::Register, [total(&register), carried(&register)])?;
    let findings = sorter.sorted()?;
    (job.when_over)(Stage::Match);
    Ok(Statement {
        window,
        journal_rows: total(&journal),
        register_rows: total(&register),
        journal_carried: carried(&journal),
        register_carried: carried(&register),
        open: journal.open,
        journal: journal.inputs,
        register: register.inputs,
        counts,
        findings,
        guesses,
        fees_tiyn: job.fees_tiyn.to_vec(),
    })
}

/// Both sides, each on a thread of its own where neither has to wait for the other.
fn sides(job: &Job<'_>) -> Result<(Taken, Taken), IngestError> {
    let reading = Reading {
        secret: job.secret,
        calendar: job.calendar,
        scratch: job.scratch,
        open: job.open,
        forms: job.forms,
        window: promised(job.journal),
        blank: [false; REQUISITES],
        is_survey: false,
        progress: job.progress,
    };
    if is_foreign(job.register, job.forms) {
        // What no row of the register tells is known only when it is read.
        let register = take(Side::Register, job.register, &reading)?;
        let reading = Reading { blank: register.blank(), ..reading };
        return Ok((take(Side::Journal, job.journal, &reading)?, register));
    }
    let (journal, register) = thread::scope(|scope| {
        let journal = scope.spawn(|| take(Side::Journal, job.journal, &reading));
        let register = take(Side::Register, job.register, &reading);
        (journal.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), register)
    });
    Ok((journal?, register?))
}

fn joined<T>(worker: thread::ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Both sides speak of one bank and one day.
fn window(journal: &Taken, register: &Taken, job: &Job<'_>) -> Result<Window, IngestError> {
    let refused = |reason: &str| {
        let file = job.register.first().map_or_else(String::new, |path| path.display().to_string());
        let reason = reason.to_owned();
        IngestError::Refused(Refusal { side: Side::Register, file, line: Some(1), reason })
    };
    let header = |taken: &Taken| taken.inputs.first().map(|input| input.header.clone());
    let (Some(ours), Some(theirs)) = (header(journal), header(register)) else {
        return Err(refused("there is no file"));
    };
    if ours.bank != theirs.bank {
        return Err(refused("header: another bank than the journal's"));
    }
    if ours.day != theirs.day {
        return Err(refused("header: another opdate than the journal's"));
    }
    Ok(Window { bank: ours.bank, day: ours.day })
}

fn sources<'a>(journal: &'a Taken, register: &'a Taken, job: &'a Job<'_>) -> Sources<'a> {
    Sources::new(journal, register, job.secret, job.calendar)
}

/// Invariant I11: a side's rows are its pairs and its breaks, and so is its money.
fn prove(counts: &Counts, side: Side, [mut total, carried]: [Tally; 2]) -> Result<(), RunError> {
    total.join(carried);
    let sum = counts.side(side);
    if sum == total {
        return Ok(());
    }
    Err(RunError::Partition(format!("{}: {total:?} came in, {sum:?} came out", side.word())))
}

/// What the workers share.
struct Shared<'a> {
    next: AtomicUsize,
    /// Rows that are alone after the exact join, by side.
    open: Mutex<Spill>,
    sorter: Mutex<Sorter>,
    journal: &'a Taken,
    register: &'a Taken,
    job: &'a Job<'a>,
}

impl Shared<'_> {
    /// Joins partitions until none is left.
    fn work(&self) -> Result<Counts, RunError> {
        let mut counts = Counts::default();
        let mut join = Join::default();
        join.journal.reserve_exact(self.share(self.journal));
        join.register.reserve_exact(self.share(self.register));
        let mut sources = sources(self.journal, self.register, self.job);
        let is_distinct = self.journal.is_ascending || self.register.is_ascending;
        loop {
            let partition = self.next.fetch_add(1, Ordering::Relaxed);
            if partition >= PARTITIONS {
                return Ok(counts);
            }
            let digests =
                (self.journal.digests.get(partition), self.register.digests.get(partition));
            if let (Some(ours), Some(theirs)) = digests
                && self.job.is_short_cut
                && is_distinct
                && ours == theirs
            {
                // No id stands twice on one side, and the other side has the same rows.
                counts.pairs(Rule::E2eId, Tally { rows: ours.rows, sum_tiyn: ours.sum_tiyn });
                counts.clean += 1;
                continue;
            }
            let passes = self.passes(partition);
            for pass in 0..passes {
                self.pass(&mut join, partition, (pass, passes))?;
                let pairs = Tally { rows: join.pairs, sum_tiyn: join.sum_tiyn };
                counts.pairs(Rule::E2eId, pairs);
                self.sort_out(&join, &mut sources, &mut counts)?;
            }
        }
    }

    /// How often a partition is read, so that what is joined at once stays bounded.
    fn passes(&self, partition: usize) -> usize {
        let records = self.journal.spill.count(partition) + self.register.spill.count(partition);
        records.div_ceil(RECORDS_MAX).max(1).next_power_of_two()
    }

    /// Records of a side that the largest pass brings: room for them is made once.
    fn share(&self, side: &Taken) -> usize {
        let share = |it| side.spill.count(it).div_ceil(self.passes(it));
        let most = (0..PARTITIONS).map(share).max().unwrap_or(0);
        most + most / RESERVE_PART
    }

    /// Joins the records of a partition whose keys begin with this pass.
    fn pass(
        &self,
        join: &mut Join,
        partition: usize,
        (pass, passes): (usize, usize),
    ) -> Result<(), RunError> {
        let shift = 32 - passes.trailing_zeros();
        let is_mine = |record: &Record| {
            u64::from(record::key(record)).checked_shr(shift).unwrap_or(0) == pass as u64
        };
        let room = RECORDS_MAX * 2;
        for (records, taken) in
            [(&mut join.journal, self.journal), (&mut join.register, self.register)]
        {
            records.clear();
            taken.spill.each(partition, |record| {
                if is_mine(&record) {
                    records.push(record);
                }
                if records.len() > room { Err(too_many()) } else { Ok(()) }
            })?;
        }
        join.run();
        Ok(())
    }

    /// Reads the rows that are no plain pair, and sorts them out.
    fn sort_out(
        &self,
        join: &Join,
        sources: &mut Sources<'_>,
        counts: &mut Counts,
    ) -> Result<(), RunError> {
        let mut findings = Vec::new();
        let mut alone = Vec::new();
        for records in join.open.chunk_by(|(one, ..), (other, ..)| one == other) {
            if records.len() > COPIES_MAX {
                return Err(too_many().into());
            }
            let lines = records.iter().map(|(_, side, record)| sources.tied(*side, record));
            let sorted = group::sort(lines.collect::<io::Result<_>>()?);
            for (journal, register) in sorted.pairs {
                let amount_tiyn = journal.amount_tiyn;
                match Finding::pair(Rule::E2eId, journal, register) {
                    Some(finding) => findings.push(finding),
                    None => {
                        let pair = Tally { rows: 1, sum_tiyn: i128::from(amount_tiyn) };
                        counts.pairs(Rule::E2eId, pair);
                    }
                }
            }
            findings.extend(sorted.extra.into_iter().map(Finding::extra));
            alone.extend(sorted.alone);
        }
        findings.iter().for_each(|finding| counts.finding(finding));
        let mut sorter = self.sorter.lock().unwrap_or_else(PoisonError::into_inner);
        findings.into_iter().try_for_each(|finding| sorter.push(finding))?;
        drop(sorter);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for line in alone {
            let record = record::loose(self.job.secret, &line.row(), line.at);
            open.push(usize::from(line.side == Side::Register), &record)?;
        }
        Ok(())
    }
}

fn too_many() -> io::Error {
    io::Error::other(format!("one e2e_id stands in more than {COPIES_MAX} rows"))
}
