//! Rows that share an id, sorted out by their texts: at most one pair, and what is left over on each side.
//!
//! One id is one payment, so a second row of it on a side is a duplicate, whatever the other side holds.
//! Which rows make the pair depends on what they say, never on where they stand in their files.

use super::compare::{Field, differences};
use crate::reconcile::ingest::frame::Side;
use crate::reconcile::ingest::source::Line;

/// Rows of one id on both sides of which all combinations are weighed; beyond, the first of each side.
const WEIGHED_MAX: usize = 10_000;

/// What became of rows that share an id.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    pub pairs: Vec<(Line, Line)>,
    /// A further row of an id that the same side has already.
    pub extra: Vec<Line>,
    /// The only row of an id that the other side does not have.
    pub alone: Vec<Line>,
}

/// Sorts out rows whose ids have the same hash.
#[must_use]
pub fn sort(mut lines: Vec<Line>) -> Sorted {
    lines.sort_unstable_by(|one, other| {
        let key = |line: &Line| (line.row().e2e_id.to_vec(), line.side);
        key(one).cmp(&key(other)).then_with(|| one.text().cmp(other.text()))
    });
    let mut sorted = Sorted::default();
    let mut rest = lines.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut same = vec![first];
        while let Some(line) = rest.next_if(|line| is_same_id(same.first(), line)) {
            same.push(line);
        }
        payment(same, &mut sorted);
    }
    sorted
}

fn is_same_id(first: Option<&Line>, line: &Line) -> bool {
    first.is_some_and(|first| first.row().e2e_id == line.row().e2e_id)
}

/// All rows of one id, the journal's first.
fn payment(lines: Vec<Line>, sorted: &mut Sorted) {
    let (mut journal, mut register): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.side == Side::Journal);
    if let Some((ours, theirs)) = best(&journal, &register) {
        sorted.pairs.push((journal.remove(ours), register.remove(theirs)));
        sorted.extra.extend(journal);
        sorted.extra.extend(register);
        return;
    }
    for lines in [journal, register] {
        let mut lines = lines.into_iter();
        sorted.alone.extend(lines.next());
        sorted.extra.extend(lines);
    }
}

/// The two rows that disagree least; of equals the first by their text.
fn best(journal: &[Line], register: &[Line]) -> Option<(usize, usize)> {
    if journal.len().saturating_mul(register.len()) > WEIGHED_MAX {
        return Some((0, 0));
    }
    let all = (0..).zip(journal).flat_map(|(at, ours)| {
        (0..).zip(register).map(move |(place, theirs)| (weight(ours, theirs), at, place))
    });
    all.min().map(|(_, at, place)| (at, place))
}

/// Fields that differ, the gravest first: fewer and later ones weigh less.
fn weight(ours: &Line, theirs: &Line) -> u32 {
    let weigh = |field: Field| 1_u32 << (8 - field as u32);
    differences(ours, theirs).into_iter().map(weigh).sum()
}
