//! Covering sets: a few amounts out of many that add up to one, where only one such set exists.
//!
//! Sets of two are looked for first, then of three, and so on to [`ITEMS_MAX`]; the first size at which
//! there are any decides, and two sets of that size are as good as none. The search is bounded by a number
//! of steps, never by a clock, so that it ends the same way everywhere.

/// Rows that one row may cover.
pub const ITEMS_MAX: usize = 8;
/// Candidates among which a set is looked for; with more, accidental sums are likelier than true ones.
pub const CANDIDATES_MAX: usize = 200;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// The only set of its size, by place, ascending.
    One(Vec<usize>),
    None,
    /// Two or more sets of one size.
    Several,
    /// More candidates or steps than are allowed.
    GaveUp,
}

/// Looks for the only set that adds up to `sum`; `steps` are taken from what is left of them.
#[must_use]
pub fn cover(amounts: &[i64], sum: i64, steps: &mut u64) -> Cover {
    if amounts.len() > CANDIDATES_MAX {
        return Cover::GaveUp;
    }
    let mut sorted: Vec<(i64, usize)> = amounts.iter().copied().zip(0..).collect();
    sorted.retain(|(amount, _)| *amount > 0 && *amount < sum);
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    for size in 2..=ITEMS_MAX.min(sorted.len()) {
        let mut search = Search { sorted: &sorted, found: Vec::new(), held: Vec::new(), steps };
        let is_whole = search.from(0, size, i128::from(sum));
        match (is_whole, search.found.len()) {
            (_, 2..) => return Cover::Several,
            (false, _) => return Cover::GaveUp,
            (true, 1) => {
                let mut places = search.found.pop().unwrap_or_default();
                places.sort_unstable();
                return Cover::One(places);
            }
            (true, _) => {}
        }
    }
    Cover::None
}

struct Search<'a> {
    /// Amounts with their places, the largest first.
    sorted: &'a [(i64, usize)],
    found: Vec<Vec<usize>>,
    held: Vec<usize>,
    steps: &'a mut u64,
}

impl Search<'_> {
    /// Sets of `size` from `start` on that add up to `rest`; false when the steps are used up. As deep as
    /// the set is large.
    fn from(&mut self, start: usize, size: usize, rest: i128) -> bool {
        if size == 0 {
            if rest == 0 {
                self.found.push(self.held.clone());
            }
            return true;
        }
        let least: i128 = self.sum(self.sorted.len().saturating_sub(size), size);
        for at in start..(self.sorted.len() + 1).saturating_sub(size) {
            let Some((amount, place)) = self.sorted.get(at).copied() else { break };
            if least > rest || self.sum(at, size) < rest {
                // The smallest are too much, or from here on the largest too little.
                break;
            }
            let Some(left) = self.steps.checked_sub(1) else { return false };
            *self.steps = left;
            self.held.push(place);
            let is_whole = self.from(at + 1, size - 1, rest - i128::from(amount));
            self.held.pop();
            if !is_whole {
                return false;
            }
            if self.found.len() > 1 {
                return true;
            }
        }
        true
    }

    fn sum(&self, start: usize, count: usize) -> i128 {
        let amounts = self.sorted.get(start..start + count).unwrap_or_default();
        amounts.iter().map(|(amount, _)| i128::from(*amount)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covered(amounts: &[i64], sum: i64) -> Cover {
        cover(amounts, sum, &mut 1_000_000)
    }

    #[test]
    fn a_set_is_found_where_it_is_the_only_one_of_its_size() {
        assert_eq!(covered(&[10, 25, 7, 90], 35), Cover::One(vec![0, 1]));
        assert_eq!(covered(&[10, 25, 7, 90], 42), Cover::One(vec![0, 1, 2]));
        assert_eq!(covered(&[10, 20, 15, 15, 30], 30), Cover::Several);
        assert_eq!(covered(&[30], 30), Cover::None, "that is a pair, not a set");
        assert_eq!(covered(&[10, 25, 7], 100), Cover::None);
        // Of two it is the only one, so that the three of another size do not count.
        assert_eq!(covered(&[60, 40, 50, 30, 20], 100), Cover::One(vec![0, 1]));
        assert_eq!(covered(&[1; 9], 8), Cover::Several);
        assert_eq!(covered(&[1; 201], 8), Cover::GaveUp);
        assert_eq!(cover(&[3, 5, 7, 11, 13], 30, &mut 2), Cover::GaveUp);
    }

    proptest! {
        #[test]
        fn no_other_set_of_its_size_exists(
            amounts in proptest::collection::vec(1_i64..40, 0..10), sum in 2_i64..120,
        ) {
            let mut by_size = vec![Vec::new(); 11];
            for bits in 0_u32..1 << amounts.len() {
                let set: Vec<usize> = (0..amounts.len()).filter(|at| bits >> at & 1 == 1).collect();
                if set.len() >= 2 && set.iter().map(|at| amounts[*at]).sum::<i64>() == sum {
                    by_size[set.len()].push(set);
                }
            }
            let first = by_size.iter().take(ITEMS_MAX + 1).find(|sets| !sets.is_empty());
            let expected = match first.map(Vec::as_slice) {
                None => Cover::None,
                Some([set]) => Cover::One(set.clone()),
                Some(_) => Cover::Several,
            };
            prop_assert_eq!(covered(&amounts, sum), expected);
        }
    }
}
