//! Rows that are alone after the exact join, and rows without an id: what the residual stages make of them.

use super::breaks::Finding;
use super::ingest::frame::Side;
use super::ingest::source::{Line, Sources};
use super::ingest::spill::{LOOSE, Record, Spill};
use super::matching::compare::differences;
use super::matching::record;
use super::matching::residual::{Entry, Rule, holds, unique};
use std::collections::BTreeMap;
use std::io;

/// Rows that a stage looks at together; with more it goes over them several times.
const TOGETHER_MAX: usize = 250_000;
/// Open rows among which candidates are looked for; with more, each is told without.
const CANDIDATE_ROWS_MAX: usize = 50_000;
/// Rows alike at most, and candidates told of one row.
const ALIKE_MAX: usize = 16;
const CANDIDATES_MAX: usize = 3;
const SIDES: [Side; 2] = [Side::Journal, Side::Register];

/// Open rows of both sides, each with a number: those alone first, then those without an id.
pub(super) struct Open<'a> {
    alone: Spill,
    loose: [&'a Spill; 2],
    /// By side and number: it has become part of a pair.
    is_taken: [Vec<bool>; 2],
}

impl<'a> Open<'a> {
    /// Rows that are alone, by side, and both sides' spills with their loose rows.
    #[must_use]
    pub(super) fn new(alone: Spill, loose: [&'a Spill; 2]) -> Self {
        let count =
            |side: usize| alone.count(side) + loose.get(side).map_or(0, |spill| spill.count(LOOSE));
        let is_taken = [vec![false; count(0)], vec![false; count(1)]];
        Self { alone, loose, is_taken }
    }

    /// Runs the residual stages, and hands out every pair and every row that is left.
    ///
    /// # Errors
    /// The disk failed, or `take` did.
    pub(super) fn settle(
        mut self,
        sources: &mut Sources<'_>,
        take: &mut impl FnMut(Finding) -> io::Result<()>,
    ) -> io::Result<()> {
        let loose = self.loose.iter().map(|spill| spill.count(LOOSE)).sum::<usize>();
        if loose > 0 {
            for rule in [Rule::Receipt, Rule::PayerAmountDay] {
                self.stage(rule, sources, take)?;
            }
        }
        let alike = self.alike()?;
        for side in SIDES {
            self.each(side, |number, record| {
                if self.is_taken(side, number) {
                    return Ok(());
                }
                let row = line(sources, side, &record)?;
                let others = alike.get(&(side, number)).map(Vec::as_slice).unwrap_or_default();
                let mut told = Vec::new();
                for (rule, other) in others {
                    let other_side =
                        if side == Side::Journal { Side::Register } else { Side::Journal };
                    told.push(candidate(*rule, &row, &line(sources, other_side, other)?));
                }
                told.sort_unstable();
                told.dedup();
                told.truncate(CANDIDATES_MAX);
                take(Finding::alone(row, told.join("; ")))
            })?;
        }
        Ok(())
    }

    /// For rows that are left: those of the other side with the same receipt, or payer and amount.
    fn alike(&self) -> io::Result<Alike> {
        let mut alike = BTreeMap::new();
        let left = self.is_taken.iter().flatten().filter(|is_taken| !**is_taken).count();
        if left > CANDIDATE_ROWS_MAX {
            return Ok(alike);
        }
        for rule in [Rule::Receipt, Rule::PayerAmountDay] {
            let mut rows: Vec<(u64, Side, u32, Record)> = Vec::new();
            for side in SIDES {
                self.each(side, |number, record| {
                    let hash = if rule == Rule::Receipt { record[0] } else { record[1] };
                    if hash != 0 && !self.is_taken(side, number) {
                        rows.push((hash, side, number, record));
                    }
                    Ok(())
                })?;
            }
            rows.sort_unstable_by_key(|(hash, side, ..)| (*hash, *side));
            let groups = rows.chunk_by(|one, other| one.0 == other.0);
            for group in groups.filter(|group| group.len() <= ALIKE_MAX) {
                for (_, side, number, _) in group {
                    let others = group.iter().filter(|(_, other, ..)| other != side);
                    let others = others.map(|(.., record)| (rule, *record));
                    alike.entry((*side, *number)).or_insert_with(Vec::new).extend(others);
                }
            }
        }
        Ok(alike)
    }

    /// One stage over all open rows, as many at a time as fit.
    fn stage(
        &mut self,
        rule: Rule,
        sources: &mut Sources<'_>,
        take: &mut impl FnMut(Finding) -> io::Result<()>,
    ) -> io::Result<()> {
        let rows: usize = self.is_taken.iter().map(Vec::len).sum();
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
        let flags = self.is_taken.get(place(side));
        flags.and_then(|flags| flags.get(number as usize)).copied().unwrap_or_default()
    }

    fn take(&mut self, side: Side, number: u32) {
        let flags = self.is_taken.get_mut(place(side));
        if let Some(flag) = flags.and_then(|flags| flags.get_mut(number as usize)) {
            *flag = true;
        }
    }
}

/// By side and number: rows of the other side that are alike, and in what.
type Alike = BTreeMap<(Side, u32), Vec<(Rule, Record)>>;

/// How a row of the other side is like this one, and what speaks against a pair.
fn candidate(rule: Rule, row: &Line, other: &Line) -> String {
    let alike = if rule == Rule::Receipt { "same receipt" } else { "same payer and amount" };
    let id = other.row().e2e_id;
    let name = if id.is_empty() { other.row().receipt } else { id };
    let is_tied = !id.is_empty() && !row.row().e2e_id.is_empty();
    let (journal, register) = if row.side == Side::Journal { (row, other) } else { (other, row) };
    let fields = differences(journal, register).into_iter().map(|field| field.word());
    let fields = is_tied.then_some("e2e_id").into_iter().chain(fields).collect::<Vec<_>>();
    let but = if fields.is_empty() { "not the only one".to_owned() } else { fields.join(" ") };
    format!("{alike}: {} ({but})", String::from_utf8_lossy(name))
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Register)
}

fn line(sources: &mut Sources<'_>, side: Side, record: &Record) -> io::Result<Line> {
    sources.line(side, record::at(record), record::amount_tiyn(record))
}
