//! Rows that are alone after the exact join, and rows without an id: what the residual stages make of them.

use super::breaks::Finding;
use super::ingest::frame::Side;
use super::ingest::source::{Line, Sources};
use super::ingest::spill::{LOOSE, Record, Spill};
use super::matching::nearest::Nearest;
use super::matching::proposals::{Guess, propose};
use super::matching::record;
use super::matching::residual::{Entry, Rule, holds, unique};
use std::collections::BTreeSet;
use std::io;

/// Rows that a stage looks at together, 60 bytes each; with more it goes over them several times.
const TOGETHER_MAX: usize = 64_000;
/// Rows of one receipt on one side of which copies are told apart.
const COPIES_MAX: usize = 20_000;
/// Open rows among which candidates and proposals are looked for, some 300 bytes each; with more, each is
/// told without.
const CANDIDATE_ROWS_MAX: usize = 50_000;
const SIDES: [Side; 2] = [Side::Journal, Side::Register];

/// Open rows of both sides, each with a number: those alone first, then those without an id.
pub(super) struct Open<'a> {
    alone: Spill,
    loose: [&'a Spill; 2],
    /// By side and number: it has become part of a pair.
    is_taken: [Marks; 2],
    /// Differences that a bank's fee explains.
    fees_tiyn: &'a [i64],
}

/// What might belong together, and how many rows were too many to look for it.
pub struct Guesses {
    pub proposals: Vec<Proposal>,
    pub left_out: u64,
}

/// Rows of both sides that might belong together, and the rule that says so.
pub struct Proposal {
    pub guess: Guess,
    pub journal: Vec<Line>,
    pub register: Vec<Line>,
}

impl<'a> Open<'a> {
    /// Rows that are alone, by side, and both sides' spills with their loose rows.
    #[must_use]
    pub(super) fn new(alone: Spill, loose: [&'a Spill; 2], fees_tiyn: &'a [i64]) -> Self {
        let count =
            |side: usize| alone.count(side) + loose.get(side).map_or(0, |spill| spill.count(LOOSE));
        let is_taken = [Marks::new(count(0)), Marks::new(count(1))];
        Self { alone, loose, is_taken, fees_tiyn }
    }

    /// Runs the residual stages, and hands out every pair and every row that is left.
    ///
    /// # Errors
    /// The disk failed, or `take` did.
    pub(super) fn settle(
        mut self,
        sources: &mut Sources<'_>,
        take: &mut impl FnMut(Finding) -> io::Result<()>,
    ) -> io::Result<Guesses> {
        let loose = self.loose.iter().map(|spill| spill.count(LOOSE)).sum::<usize>();
        if loose > 0 {
            for rule in [Rule::Receipt, Rule::PayerAmountDay] {
                self.stage(rule, sources, take)?;
            }
        }
        self.left(sources, take)
    }

    /// Hands out the rows that no rule has taken, with what is like them; few enough are also looked
    /// through for what might belong together.
    fn left(
        self,
        sources: &mut Sources<'_>,
        take: &mut impl FnMut(Finding) -> io::Result<()>,
    ) -> io::Result<Guesses> {
        let count: usize = self.is_taken.iter().map(Marks::free).sum();
        let is_few = count <= CANDIDATE_ROWS_MAX;
        let mut left: [Vec<Line>; 2] = Default::default();
        for (side, rows) in SIDES.into_iter().zip(&mut left) {
            self.each(side, |number, record| {
                if self.is_taken(side, number) {
                    return Ok(());
                }
                let row = line(sources, side, &record)?;
                if is_few {
                    rows.push(row);
                    return Ok(());
                }
                take(Finding::alone(row, String::new()))
            })?;
        }
        if !is_few {
            return Ok(Guesses { proposals: Vec::new(), left_out: count as u64 });
        }
        // Not by their places: the order of rows in a file must not matter.
        left.iter_mut().for_each(|rows| rows.sort_by(|one, other| one.text().cmp(other.text())));
        let [journal, register] = &left;
        let proposed = propose(journal, register, self.fees_tiyn);
        let chosen = |rows: &[Line], places: &[usize]| {
            places.iter().filter_map(|place| rows.get(*place)).cloned().collect()
        };
        let proposals = proposed.into_iter().map(|one| Proposal {
            guess: one.guess,
            journal: chosen(journal, &one.journal),
            register: chosen(register, &one.register),
        });
        let proposals = proposals.collect();
        let nearest = Nearest::of(journal, register);
        for row in left.iter().flatten() {
            // One copy at a time: what is told of all of them would take more than the rows.
            take(Finding::alone(row.clone(), nearest.told(row)))?;
        }
        Ok(Guesses { proposals, left_out: 0 })
    }

    /// One stage over all open rows, as many at a time as fit.
    fn stage(
        &mut self,
        rule: Rule,
        sources: &mut Sources<'_>,
        take: &mut impl FnMut(Finding) -> io::Result<()>,
    ) -> io::Result<()> {
        let rows: usize = self.is_taken.iter().map(|marks| marks.rows).sum();
        let passes = rows.div_ceil(TOGETHER_MAX).max(1) as u64;
        for pass in 0..passes {
            let mut entries = Vec::new();
            let mut records: Vec<Record> = Vec::new();
            let mut numbers: Vec<u32> = Vec::new();
            for side in SIDES {
                self.each(side, |number, record| {
                    let hash = if rule == Rule::Receipt { record[0] } else { record[1] };
                    if hash == 0 || (hash >> 1) % passes != pass || self.is_taken(side, number) {
                        return Ok(());
                    }
                    let is_tied = record::is_tied(&record);
                    let place = u32::try_from(records.len()).map_err(io::Error::other)?;
                    entries.push(Entry { hash, side, number: place, is_tied });
                    records.push(record);
                    numbers.push(number);
                    Ok(())
                })?;
            }
            let at = |entry: Entry| {
                let place = usize::try_from(entry.number).unwrap_or(usize::MAX);
                records.get(place).copied().zip(numbers.get(place).copied())
            };
            if rule == Rule::Receipt {
                self.copies(&mut entries, at, sources, take)?;
            }
            for (ours, theirs) in unique(&mut entries) {
                let (Some((ours, one)), Some((theirs, other))) = (at(ours), at(theirs)) else {
                    continue;
                };
                let journal = line(sources, Side::Journal, &ours)?;
                let register = line(sources, Side::Register, &theirs)?;
                if holds(rule, &journal, &register) {
                    self.take(Side::Journal, one);
                    self.take(Side::Register, other);
                    Finding::pair(rule, journal, register).map_or(Ok(()), &mut *take)?;
                }
            }
        }
        Ok(())
    }

    /// Hands out further copies of rows that have no id and one receipt: rows whose whole texts are equal.
    /// Two equal rows without a receipt may be two payments.
    fn copies(
        &mut self,
        entries: &mut Vec<Entry>,
        at: impl Fn(Entry) -> Option<(Record, u32)>,
        sources: &mut Sources<'_>,
        take: &mut impl FnMut(Finding) -> io::Result<()>,
    ) -> io::Result<()> {
        entries.sort_unstable();
        let mut copies = BTreeSet::new();
        let is_one = |one: &Entry, other: &Entry| (one.hash, one.side) == (other.hash, other.side);
        for group in
            entries.chunk_by(is_one).filter(|group| (2..=COPIES_MAX).contains(&group.len()))
        {
            let mut lines = Vec::new();
            for entry in group.iter().filter(|entry| !entry.is_tied) {
                let Some((record, number)) = at(*entry) else { continue };
                lines.push((line(sources, entry.side, &record)?, number, *entry));
            }
            // The one that has been open longest stays.
            let age = |line: &Line| (line.since.is_none(), line.since);
            lines.sort_by(|(one, ..), (other, ..)| {
                one.text().cmp(other.text()).then_with(|| age(one).cmp(&age(other)))
            });
            let mut before: Option<Line> = None;
            for (line, number, entry) in lines {
                if before.as_ref().is_some_and(|before| before.text() == line.text()) {
                    self.take(entry.side, number);
                    copies.insert(entry);
                    take(Finding::extra(line))?;
                } else {
                    before = Some(line);
                }
            }
        }
        entries.retain(|entry| !copies.contains(entry));
        Ok(())
    }

    fn each(
        &self,
        side: Side,
        mut take: impl FnMut(u32, Record) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut number = 0_u32;
        let mut next = |record: Record| {
            take(number, record)?;
            number = number.checked_add(1).ok_or_else(|| io::Error::other("too many open rows"))?;
            Ok(())
        };
        let place = place(side);
        self.alone.each(place, &mut next)?;
        self.loose.get(place).map_or(Ok(()), |spill| spill.each(LOOSE, &mut next))
    }

    fn is_taken(&self, side: Side, number: u32) -> bool {
        self.is_taken.get(place(side)).is_some_and(|marks| marks.has(number))
    }

    fn take(&mut self, side: Side, number: u32) {
        if let Some(marks) = self.is_taken.get_mut(place(side)) {
            marks.set(number);
        }
    }
}

/// A mark for each row of a side: a bit, so that ten million open rows are 1.2 MiB.
struct Marks {
    rows: usize,
    words: Vec<u64>,
}

impl Marks {
    fn new(rows: usize) -> Self {
        Self { rows, words: vec![0; rows.div_ceil(64)] }
    }

    fn has(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn set(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// Rows without a mark.
    fn free(&self) -> usize {
        self.rows - self.words.iter().map(|word| word.count_ones() as usize).sum::<usize>()
    }
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Register)
}

fn line(sources: &mut Sources<'_>, side: Side, record: &Record) -> io::Result<Line> {
    sources.line(side, record::at(record), record::amount_tiyn(record))
}
