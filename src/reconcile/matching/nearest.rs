//! Why a row found no other half: the nearest rows of the other side, and the rule that each of them failed.
//!
//! Looked up by receipt, by payer and amount, and by amount and day, a few neighbours each: the time does
//! not grow with the rows that are left but by their sorting.

use super::compare::differences;
use crate::reconcile::ingest::frame::Side;
use crate::reconcile::ingest::source::Line;
use std::cmp::Ordering;

/// Candidates told of one row.
const CANDIDATES_MAX: usize = 3;
/// Rows looked at that share a receipt, or a payer and an amount; with more of them nobody is nearest.
const ALIKE_MAX: usize = 16;
/// Neighbours by amount looked at on each side of a row.
const NEIGHBOURS_MAX: usize = 4;
/// Days between value dates, and the part of an amount, within which a row is near by them.
const DAYS_MAX: u32 = 7;
const PART: i64 = 10;

/// Rows that are left, by what they may be found by.
pub struct Nearest<'a> {
    sides: [Shelves<'a>; 2],
}

struct Shelves<'a> {
    receipts: Vec<(&'a [u8], &'a Line)>,
    payers: Vec<(&'a [u8], i64, &'a Line)>,
    amounts: Vec<(&'a [u8], i64, &'a Line)>,
}

impl<'a> Nearest<'a> {
    /// Shelves the rows that are left on both sides.
    #[must_use]
    pub fn of(journal: &'a [Line], register: &'a [Line]) -> Self {
        Self { sides: [Shelves::of(journal), Shelves::of(register)] }
    }

    /// The nearest rows of the other side, and what speaks against each.
    #[must_use]
    pub fn told(&self, row: &Line) -> String {
        let [journal, register] = &self.sides;
        let other = if row.side == Side::Journal { register } else { journal };
        let fields = row.row();
        let mut told: Vec<(u8, u32, String)> = Vec::new();
        let mut seen: Vec<&Line> = Vec::new();
        let mut tell = |rank: u8, alike: &str, near: &'a Line, seen: &mut Vec<&'a Line>| {
            let is_new = seen.iter().all(|before| !std::ptr::eq(*before, near)) || rank < 2;
            seen.push(near);
            if is_new {
                let (weight, against) = against(row, near);
                told.push((rank, weight, format!("{alike}: {} ({against})", name(near))));
            }
        };
        for near in other.receipt(fields.receipt) {
            tell(0, "same receipt", near, &mut seen);
        }
        for near in other.payer(fields.iin, row.amount_tiyn) {
            tell(1, "same payer and amount", near, &mut seen);
        }
        for near in other.amount(row) {
            tell(2, "near amount and day", near, &mut seen);
        }
        told.sort_unstable();
        told.dedup();
        let told = told.into_iter().take(CANDIDATES_MAX).map(|(.., text)| text);
        told.collect::<Vec<_>>().join("; ")
    }
}

impl<'a> Shelves<'a> {
    fn of(rows: &'a [Line]) -> Self {
        let mut shelves = Self { receipts: Vec::new(), payers: Vec::new(), amounts: Vec::new() };
        for line in rows {
            let fields = line.row();
            if !fields.receipt.is_empty() {
                shelves.receipts.push((fields.receipt, line));
            }
            if !fields.iin.is_empty() {
                shelves.payers.push((fields.iin, line.amount_tiyn, line));
            }
            shelves.amounts.push((fields.currency, line.amount_tiyn, line));
        }
        // The rows come in the order of their texts, which equal keys keep.
        shelves.receipts.sort_by_key(|(receipt, _)| *receipt);
        shelves.payers.sort_by_key(|(iin, amount, _)| (*iin, *amount));
        shelves.amounts.sort_by_key(|(currency, amount, _)| (*currency, *amount));
        shelves
    }

    fn receipt(&self, receipt: &[u8]) -> impl Iterator<Item = &'a Line> {
        few(&self.receipts, |(other, _)| (*other).cmp(receipt)).iter().map(|(_, line)| *line)
    }

    fn payer(&self, iin: &[u8], amount: i64) -> impl Iterator<Item = &'a Line> {
        let order = |entry: &(&[u8], i64, &Line)| (entry.0, entry.1).cmp(&(iin, amount));
        few(&self.payers, order).iter().map(|(.., line)| *line)
    }

    /// Rows of the nearest amounts below and above, of about the same day.
    fn amount(&self, row: &Line) -> impl Iterator<Item = &'a Line> {
        let mine = (row.currency(), row.amount_tiyn);
        let at = self.amounts.partition_point(|entry| (entry.0, entry.1) < mine);
        let range = at.saturating_sub(NEIGHBOURS_MAX)..at.saturating_add(NEIGHBOURS_MAX);
        let end = range.end.min(self.amounts.len());
        let near = self.amounts.get(range.start.min(end)..end).unwrap_or_default();
        let (amount, value) = (row.amount_tiyn, row.value.0);
        let currency = row.currency().to_vec();
        let mut near: Vec<_> = near
            .iter()
            .filter(|(other, theirs, line)| {
                *other == currency
                    && (theirs - amount).abs() <= amount / PART
                    && line.value.0.abs_diff(value) <= DAYS_MAX
            })
            .map(|(_, theirs, line)| ((theirs - amount).abs(), *line))
            .collect();
        near.sort_by_key(|(difference, line)| (*difference, line.value.0.abs_diff(value)));
        near.into_iter().take(1).map(|(_, line)| line)
    }
}

/// Entries with this key, if they are few.
fn few<T>(sorted: &[T], order: impl Fn(&T) -> Ordering) -> &[T] {
    let start = sorted.partition_point(|entry| order(entry).is_lt());
    let rest = sorted.get(start..).unwrap_or_default();
    let count = rest.iter().take(ALIKE_MAX + 1).take_while(|entry| order(entry).is_eq()).count();
    if count > ALIKE_MAX { &[] } else { rest.get(..count).unwrap_or_default() }
}

/// The rule that failed: both carry an id, fields that differ, or others that are as near.
fn against(row: &Line, other: &Line) -> (u32, String) {
    let is_tied = !other.row().e2e_id.is_empty() && !row.row().e2e_id.is_empty();
    let (journal, register) = if row.side == Side::Journal { (row, other) } else { (other, row) };
    let fields = differences(journal, register);
    let weight = u32::try_from(fields.len()).unwrap_or(u32::MAX);
    let fields = fields.into_iter().map(|field| field.word());
    let fields = is_tied.then_some("e2e_id").into_iter().chain(fields).collect::<Vec<_>>();
    (weight, if fields.is_empty() { "not the only one".to_owned() } else { fields.join(" ") })
}

fn name(line: &Line) -> String {
    let row = line.row();
    let name = if row.e2e_id.is_empty() { row.receipt } else { row.e2e_id };
    String::from_utf8_lossy(name).into_owned()
}
