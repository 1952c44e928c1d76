//! Money by КБК and budget administrator on each of the three sides.
//!
//! Who administers a payee's money is what the Treasury says of it, or a list of the operator's; of a payee
//! that neither knows the administrator is empty.

use super::{PARTIES, Party};
use crate::reconcile::counts::Tally;
use std::collections::BTreeMap;

/// Pairs of КБК and payee, and payees, held at most.
const KEYS_MAX: usize = 200_000;

/// Sums under way.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// By КБК and payee, because payees may become known later.
    sums: BTreeMap<(String, String), [Tally; 3]>,
    administrators: BTreeMap<String, String>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub kbk: String,
    pub administrator: String,
    /// In the order of [`PARTIES`].
    pub sides: [Tally; 3],
}

impl Total {
    /// All three sides have the same rows and the same money.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        let [journal, register, treasury] = self.sides;
        journal == register && register == treasury
    }
}

impl Totals {
    /// Learns whose money a payee's is. What was learnt first stays.
    ///
    /// # Errors
    /// Too many payees.
    pub fn learn(&mut self, payee_bin: &str, administrator: &str) -> Result<(), &'static str> {
        if self.administrators.contains_key(payee_bin) {
            return Ok(());
        }
        if self.administrators.len() >= KEYS_MAX {
            return Err("more payees than a statement may have");
        }
        self.administrators.insert(payee_bin.to_owned(), administrator.to_owned());
        Ok(())
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Too many pairs of КБК and payee.
    pub fn add(
        &mut self,
        party: Party,
        (kbk, payee_bin): (&str, &str),
        amount_tiyn: i64,
    ) -> Result<(), &'static str> {
        let key = (kbk.to_owned(), payee_bin.to_owned());
        if self.sums.len() >= KEYS_MAX && !self.sums.contains_key(&key) {
            return Err("more КБК and payees than a day may have");
        }
        let sides = self.sums.entry(key).or_default();
        let place = PARTIES.iter().position(|other| *other == party).unwrap_or_default();
        if let Some(tally) = sides.get_mut(place) {
            tally.rows += 1;
            tally.sum_tiyn += i128::from(amount_tiyn);
        }
        Ok(())
    }

    /// The table, by КБК and administrator.
    #[must_use]
    pub fn table(&self) -> Vec<Total> {
        let mut table: BTreeMap<(&str, &str), [Tally; 3]> = BTreeMap::new();
        for ((kbk, payee), sides) in &self.sums {
            let administrator = self.administrators.get(payee).map_or("", String::as_str);
            let sums = table.entry((kbk, administrator)).or_default();
            for (sum, side) in sums.iter_mut().zip(sides) {
                sum.rows += side.rows;
                sum.sum_tiyn += side.sum_tiyn;
            }
        }
        let total = |((kbk, administrator), sides): ((&str, &str), [Tally; 3])| Total {
            kbk: kbk.to_owned(),
            administrator: administrator.to_owned(),
            sides,
        };
        table.into_iter().map(total).collect()
    }
}

/// The proof: the table's rows and money of a side are those that were kept of it.
#[must_use]
pub fn is_whole(table: &[Total], kept: [Tally; 3]) -> bool {
    let mut sums = [Tally::default(); 3];
    for total in table {
        for (sum, side) in sums.iter_mut().zip(total.sides) {
            sum.rows += side.rows;
            sum.sum_tiyn += side.sum_tiyn;
        }
    }
    sums == kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_summed_by_kbk_and_by_who_administers_the_payee() {
        let mut totals = Totals::default();
        let (one, other) = ("990140000017", "980140000018");
        for (party, kbk, payee, amount) in [
            (Party::Journal, "108125", one, 5),
            (Party::Journal, "108125", other, 7),
            (Party::Register, "108125", one, 5),
            (Party::Treasury, "108125", one, 5),
            (Party::Treasury, "204101", other, 9),
        ] {
            totals.add(party, (kbk, payee), amount).unwrap();
        }
        totals.learn(one, "2180101").unwrap();
        totals.learn(one, "9999999").unwrap();
        let table = totals.table();
        let shown: Vec<_> = table
            .iter()
            .map(|total| {
                let sums = total.sides.map(|tally| tally.sum_tiyn);
                (total.kbk.as_str(), total.administrator.as_str(), sums, total.is_agreed())
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("108125", "", [7, 0, 0], false),
                ("108125", "2180101", [5, 5, 5], true),
                ("204101", "", [0, 0, 9], false),
            ]
        );
        let tally = |rows, sum_tiyn| Tally { rows, sum_tiyn };
        assert!(is_whole(&table, [tally(2, 12), tally(1, 5), tally(2, 14)]));
        assert!(!is_whole(&table, [tally(2, 12), tally(1, 5), tally(2, 15)]));
    }
}
