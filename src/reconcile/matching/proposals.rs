//! What might belong together and is not certain: proposals for people, by which no money ever moves.
//!
//! They are made of rows that every rule of matching has left. Each stage finds all that fits it; a row
//! that two of them want is in neither, so nothing depends on an order; what a stage has proposed is not
//! looked at by the next. No stage joins two rows that both carry an id, but `similar`, which says that one
//! of the ids may be a slip of the other.

use super::covering::{CANDIDATES_MAX, Cover, cover};
use super::slip::{is_cut, is_one_slip};
use crate::reconcile::ingest::source::Line;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;

/// The rule that a proposal rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guess {
    /// One row and two to eight of the other side that add up to it: the only such set, value dates within
    /// seven days, the same currency, payee and КБК where both are known; one side without ids.
    CoveringSet,
    /// The same payer and value dates at most a day apart; the amounts differ by a fee of the table.
    Tolerance,
    /// The same amount and currency within seven days, no other payee, and an id, a receipt or a payer
    /// that is the other's but for one slip, or an id that was cut off.
    Similar,
}

/// All of them, in the order in which they are tried.
pub const GUESSES: [Guess; 3] = [Guess::CoveringSet, Guess::Tolerance, Guess::Similar];
/// Days between value dates of a set, or of similar rows, at most.
const DAYS_MAX: u32 = 7;
/// Days between the value dates of a pair that differs by a fee.
const FEE_DAYS_MAX: u32 = 1;
/// Rows looked at for one row before its set is given up.
const LOOKED_MAX: usize = 5_000;
/// Steps that all searches for sets may take together, and one of them alone.
const STEPS_MAX: u64 = 5_000_000;
const STEPS_OF_ONE_MAX: u64 = 200_000;
/// Combinations of rows that share a payer or an amount; with more, none of them is proposed.
const COMBINED_MAX: usize = 10_000;

impl Guess {
    /// Its name in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CoveringSet => "covering_set",
            Self::Tolerance => "tolerance",
            Self::Similar => "similar",
        }
    }
}

/// Rows of both sides, by place, that may belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposed {
    pub guess: Guess,
    pub journal: Vec<usize>,
    pub register: Vec<usize>,
}

/// Proposals among rows that are left, each side in the order of its texts.
#[must_use]
pub fn propose(journal: &[Line], register: &[Line], fees_tiyn: &[i64]) -> Vec<Proposed> {
    let mut left = Left { sides: [journal, register], is_free: [vec![], vec![]] };
    left.is_free = [vec![true; journal.len()], vec![true; register.len()]];
    let mut all = Vec::new();
    for guess in GUESSES {
        let found = match guess {
            Guess::CoveringSet => left.sets(),
            Guess::Tolerance => left.fees(fees_tiyn),
            Guess::Similar => left.similar(),
        };
        let mut wanted: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for place in found.iter().flat_map(Proposed::places) {
            *wanted.entry(place).or_default() += 1;
        }
        let is_only = |one: &Proposed| one.places().all(|place| wanted.get(&place) == Some(&1));
        let kept: Vec<_> = found.into_iter().filter(is_only).collect();
        for (side, place) in kept.iter().flat_map(Proposed::places) {
            let is_free = left.is_free.get_mut(side).and_then(|free| free.get_mut(place));
            is_free.into_iter().for_each(|is_free| *is_free = false);
        }
        all.extend(kept);
    }
    all.sort_unstable();
    all
}

impl Proposed {
    fn pair(guess: Guess, ours: usize, theirs: usize) -> Self {
        Self { guess, journal: vec![ours], register: vec![theirs] }
    }

    /// Its rows: the side's number and the place.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let journal = self.journal.iter().map(|place| (0, *place));
        journal.chain(self.register.iter().map(|place| (1, *place)))
    }
}

/// Rows that nothing has taken yet.
struct Left<'a> {
    sides: [&'a [Line]; 2],
    is_free: [Vec<bool>; 2],
}

impl<'a> Left<'a> {
    fn free(&self, side: usize) -> impl Iterator<Item = (usize, &'a Line)> + '_ {
        let rows = self.sides.get(side).copied().unwrap_or_default().iter().enumerate();
        let is_free = self.is_free.get(side);
        rows.filter(move |(place, _)| is_free.and_then(|f| f.get(*place)) == Some(&true))
    }

    /// One row of a side against sets of the other, both ways.
    fn sets(&self) -> Vec<Proposed> {
        let mut found = Vec::new();
        let mut steps = STEPS_MAX;
        for side in [0, 1] {
            let other = 1 - side;
            let all = Shelf::of(self.free(other));
            let loose = Shelf::of(self.free(other).filter(|(_, line)| is_loose(line)));
            for (place, row) in self.free(side) {
                // A row with an id goes with rows without one.
                let shelf = if is_loose(row) { &all } else { &loose };
                let Some(items) = shelf.below(row) else { continue };
                let amounts: Vec<i64> = items.iter().map(|item| item.amount_tiyn).collect();
                let mut mine = STEPS_OF_ONE_MAX.min(steps);
                let before = mine;
                let cover = cover(&amounts, row.amount_tiyn, &mut mine);
                steps -= before - mine;
                let Cover::One(chosen) = cover else { continue };
                let set = chosen.iter().filter_map(|at| items.get(*at)).map(|item| item.place);
                let mut set: Vec<usize> = set.collect();
                set.sort_unstable();
                let sides = if side == 0 { (vec![place], set) } else { (set, vec![place]) };
                let (journal, register) = sides;
                found.push(Proposed { guess: Guess::CoveringSet, journal, register });
            }
        }
        found
    }

    /// Pairs of one payer whose amounts differ by a fee.
    fn fees(&self, fees_tiyn: &[i64]) -> Vec<Proposed> {
        let fits = |ours: &Line, theirs: &Line| {
            let difference = ours.amount_tiyn.saturating_sub(theirs.amount_tiyn).saturating_abs();
            (is_loose(ours) || is_loose(theirs))
                && ours.row().currency == theirs.row().currency
                && fees_tiyn.contains(&difference)
                && ours.value.0.abs_diff(theirs.value.0) <= FEE_DAYS_MAX
        };
        let key = |line: &'a Line| Some(line.row().iin).filter(|iin| !iin.is_empty());
        if fees_tiyn.is_empty() { Vec::new() } else { self.pairs(Guess::Tolerance, key, fits) }
    }

    /// Pairs of one amount that are the same but for a slip.
    fn similar(&self) -> Vec<Proposed> {
        let key = |line: &'a Line| Some((line.amount_tiyn, line.row().currency));
        self.pairs(Guess::Similar, key, is_similar)
    }

    fn pairs<K: Ord>(
        &self,
        guess: Guess,
        key: impl Fn(&'a Line) -> Option<K>,
        fits: impl Fn(&Line, &Line) -> bool,
    ) -> Vec<Proposed> {
        let keyed = [0, 1].into_iter().flat_map(|side| {
            let rows = self.free(side).map(move |(place, line)| (side, place, line));
            rows.filter_map(|(side, place, line)| Some((key(line)?, side, place, line)))
        });
        let mut keyed: Vec<_> = keyed.collect();
        keyed.sort_unstable_by(|(one, ours, at, _), (other, theirs, place, _)| {
            one.cmp(other).then_with(|| (ours, at).cmp(&(theirs, place)))
        });
        let mut found = Vec::new();
        for group in keyed.chunk_by(|(one, ..), (other, ..)| one == other) {
            let (journal, register) =
                group.split_at(group.partition_point(|(_, side, ..)| *side == 0));
            if journal.len().saturating_mul(register.len()) > COMBINED_MAX {
                continue;
            }
            for (.., ours, row) in journal {
                let mine = register.iter().filter(|(.., other)| fits(row, other));
                found.extend(mine.map(|(.., theirs, _)| Proposed::pair(guess, *ours, *theirs)));
            }
        }
        found
    }
}

/// Rows by currency and value date.
struct Shelf<'a> {
    rows: Vec<Item<'a>>,
}

/// What is asked of a row again and again, read once.
#[derive(Clone, Copy)]
struct Item<'a> {
    currency: &'a [u8],
    day: i32,
    place: usize,
    amount_tiyn: i64,
    payee_bin: &'a [u8],
    kbk: &'a [u8],
}

impl<'a> Shelf<'a> {
    fn of(rows: impl Iterator<Item = (usize, &'a Line)>) -> Self {
        let rows = rows.map(|(place, line)| {
            let row = line.row();
            let (currency, payee_bin, kbk) = (row.currency, row.payee_bin, row.kbk);
            Item {
                currency,
                day: line.value.0,
                place,
                amount_tiyn: line.amount_tiyn,
                payee_bin,
                kbk,
            }
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable_by_key(|item| (item.currency, item.day, item.place));
        Self { rows }
    }

    /// Smaller rows that could be a part of this one; `None` where there are too many to tell.
    fn below(&self, row: &Line) -> Option<Vec<Item<'a>>> {
        let days = i32::try_from(DAYS_MAX).unwrap_or(i32::MAX);
        let currency = row.currency();
        let place = |day: i32| {
            self.rows.partition_point(|item| (item.currency, item.day) < (currency, day))
        };
        let near: Range<usize> = place(row.value.0 - days)..place(row.value.0 + days + 1);
        let near = self.rows.get(near).unwrap_or_default();
        if near.len() > LOOKED_MAX {
            return None;
        }
        let mine = row.row();
        let fits = |item: &&Item<'_>| {
            item.amount_tiyn < row.amount_tiyn
                && agrees(mine.payee_bin, item.payee_bin)
                && agrees(mine.kbk, item.kbk)
        };
        let items: Vec<_> = near.iter().filter(fits).copied().collect();
        (items.len() <= CANDIDATES_MAX).then_some(items)
    }
}

fn is_loose(line: &Line) -> bool {
    line.row().e2e_id.is_empty()
}

/// The same, or unknown to one of the two.
fn agrees(one: &[u8], other: &[u8]) -> bool {
    one == other || one.is_empty() || other.is_empty()
}

fn is_similar(ours: &Line, theirs: &Line) -> bool {
    let (one, other) = (ours.row(), theirs.row());
    let both = |one: &[u8], other: &[u8]| !one.is_empty() && !other.is_empty();
    let is_near = |one: &[u8], other: &[u8]| both(one, other) && is_one_slip(one, other);
    let is_payer = agrees(one.iin, other.iin) || is_near(one.iin, other.iin);
    let is_id = is_near(one.e2e_id, other.e2e_id) || is_cut(one.e2e_id, other.e2e_id);
    ours.value.0.abs_diff(theirs.value.0) <= DAYS_MAX
        && agrees(one.payee_bin, other.payee_bin)
        && is_payer
        && (is_id || is_near(one.receipt, other.receipt) || is_near(one.iin, other.iin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::ingest::day::{Calendar, Days};
    use crate::reconcile::ingest::frame::Side;
    use crate::reconcile::ingest::row::tests::with;
    use crate::reconcile::matching::record::At;
    use proptest::prelude::*;

    fn line(side: Side, fields: &[(usize, &str)]) -> Line {
        let text = fields.iter().fold(with(11, "CLEARING"), |text, (at, value)| {
            let mut fields: Vec<&str> = text.split(';').collect();
            fields[*at] = value;
            fields.join(";")
        });
        let calendar = Calendar::EveryDate { cut_off: jiff::civil::time(16, 0, 0, 0) };
        let nowhere = At { file: 0, offset: 0 };
        Line::of(side, nowhere, text.as_bytes(), &mut Days::new(calendar)).unwrap()
    }

    fn ours(fields: &[(usize, &str)]) -> Line {
        line(Side::Journal, fields)
    }

    fn theirs(fields: &[(usize, &str)]) -> Line {
        line(Side::Register, fields)
    }

    #[test]
    fn a_settlement_line_is_proposed_with_the_payments_that_it_covers() {
        let journal = [
            ours(&[(0, "A"), (6, "100")]),
            ours(&[(0, "B"), (6, "250")]),
            ours(&[(0, "C"), (6, "999")]),
        ];
        let sum = |day| theirs(&[(0, ""), (2, ""), (6, "350"), (10, day)]);
        let found = propose(&journal, &[sum("2026-11-29")], &[]);
        let set = Proposed { guess: Guess::CoveringSet, journal: vec![0, 1], register: vec![0] };
        assert_eq!(found, [set]);
        assert_eq!(propose(&journal, &[sum("2026-11-30")], &[]), [], "eight days");
        let tied = theirs(&[(0, "S"), (6, "350")]);
        assert_eq!(propose(&journal, &[tied], &[]), [], "both sides carry ids");
        let other = theirs(&[(0, ""), (4, "204101"), (6, "350")]);
        assert_eq!(propose(&journal, &[other], &[]), [], "another КБК");
        assert_eq!(
            propose(&journal, &[sum("2026-11-22"), sum("2026-11-23")], &[]),
            [],
            "two want it"
        );
    }

    #[test]
    fn a_fee_of_the_table_is_proposed_and_no_other_difference() {
        let journal = [ours(&[(6, "20000")])];
        let paid = |amount| [theirs(&[(0, ""), (1, "x"), (6, amount)])];
        assert_eq!(propose(&journal, &paid("19850"), &[100]), []);
        let pair = Proposed::pair(Guess::Tolerance, 0, 0);
        assert_eq!(propose(&journal, &paid("19850"), &[100, 150]), [pair]);
    }

    #[test]
    fn a_slip_is_proposed_and_another_payer_is_not() {
        let journal = [ours(&[])];
        let similar = |fields: &[(usize, &str)]| {
            propose(&journal, &[theirs(fields)], &[]).first().map(|found| found.guess)
        };
        let guess = Some(Guess::Similar);
        assert_eq!(similar(&[(0, "GW26112200000071"), (1, "")]), guess, "exchanged");
        assert_eq!(similar(&[(0, "GW2611220000"), (1, ""), (2, "")]), guess, "cut off");
        assert_eq!(similar(&[(0, ""), (1, "4700001"), (2, "")]), guess, "a digit lost");
        assert_eq!(similar(&[(0, "Z"), (1, "Z"), (2, "900101300071")]), guess, "the payer's slip");
        assert_eq!(similar(&[(0, "GW26112200000018"), (2, "850312300121")]), None);
        assert_eq!(similar(&[(0, "Z"), (1, "Z"), (2, "")]), None);
        assert_eq!(similar(&[(0, "GW26112200000018"), (6, "1")]), None);
    }

    proptest! {
        #[test]
        fn a_row_stands_in_one_proposal_at_most_and_a_set_adds_up(
            rows in proptest::collection::vec((0_u8..2, 0_u8..3, 1_u32..30, 0_u8..4), 0..14),
        ) {
            let mut sides: [Vec<Line>; 2] = Default::default();
            for (at, (side, id, amount, iin)) in rows.iter().enumerate() {
                let id = if *id == 0 { String::new() } else { format!("GW-{at:08}") };
                let amount = amount.to_string();
                let iin = format!("90010130001{iin}");
                let fields = [(0, id.as_str()), (1, ""), (2, iin.as_str()), (6, amount.as_str())];
                let which = [Side::Journal, Side::Register][usize::from(*side)];
                sides[usize::from(*side)].push(line(which, &fields));
            }
            for side in &mut sides {
                side.sort_by(|one, other| one.text().cmp(other.text()));
            }
            let found = propose(&sides[0], &sides[1], &[3]);
            let mut seen = std::collections::BTreeSet::new();
            for one in &found {
                prop_assert!(one.places().all(|place| seen.insert(place)), "{:?}", found);
                let sum = |side: usize, places: &[usize]| {
                    places.iter().map(|at| sides[side][*at].amount_tiyn).sum::<i64>()
                };
                let difference = sum(0, &one.journal) - sum(1, &one.register);
                let allowed = if one.guess == Guess::Tolerance { 3 } else { 0 };
                prop_assert_eq!(difference.abs(), allowed);
                let tied = |side: usize, places: &[usize]| {
                    places.iter().any(|at| !sides[side][*at].row().e2e_id.is_empty())
                };
                let is_both = tied(0, &one.journal) && tied(1, &one.register);
                prop_assert!(one.guess == Guess::Similar || !is_both);
            }
        }
    }
}
