//! Both sides' counts of a month held against each other, key by key; nothing is lost between the two.

use super::{Counts, Key, Numbers};
use std::collections::BTreeMap;

/// What two sides say of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Agreed,
    /// Only the gateway or the agency counted it.
    MissingAtCentre,
    /// Only the service centre counted it.
    MissingAtAgency,
    /// Given or refused differ.
    NumberMismatch,
    /// The numbers agree, in time or late differ.
    QualityMismatch,
}

/// All that are no agreement.
pub const DIFFERENCES: [Verdict; 4] = [
    Verdict::MissingAtCentre,
    Verdict::MissingAtAgency,
    Verdict::NumberMismatch,
    Verdict::QualityMismatch,
];

impl Verdict {
    /// Its name in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agreed => "AGREED",
            Self::MissingAtCentre => "MISSING_AT_CENTRE",
            Self::MissingAtAgency => "MISSING_AT_AGENCY",
            Self::NumberMismatch => "NUMBER_MISMATCH",
            Self::QualityMismatch => "QUALITY_MISMATCH",
        }
    }
}

/// One key with what each side counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub key: Key,
    pub agency: Option<Numbers>,
    pub centre: Option<Numbers>,
    pub verdict: Verdict,
}

/// Holds two sides against each other, in the order of the keys.
///
/// # Errors
/// A side's rows or cases are not those that came out: a mistake of this program.
pub fn compare(agency: &Counts, centre: &Counts) -> Result<Vec<Held>, String> {
    let mut both: BTreeMap<&Key, [Option<Numbers>; 2]> = BTreeMap::new();
    for (key, numbers) in agency {
        both.entry(key).or_default()[0] = Some(*numbers);
    }
    for (key, numbers) in centre {
        both.entry(key).or_default()[1] = Some(*numbers);
    }
    let held = both.into_iter().map(|(key, [agency, centre])| Held {
        key: key.clone(),
        agency,
        centre,
        verdict: verdict(agency, centre),
    });
    let held: Vec<Held> = held.collect();
    prove("agency", agency, held.iter().filter_map(|one| one.agency))?;
    prove("centre", centre, held.iter().filter_map(|one| one.centre))?;
    Ok(held)
}

fn verdict(agency: Option<Numbers>, centre: Option<Numbers>) -> Verdict {
    match (agency, centre) {
        (Some(ours), Some(theirs)) if ours == theirs => Verdict::Agreed,
        (Some(ours), Some(theirs))
            if (ours.given, ours.refused) == (theirs.given, theirs.refused) =>
        {
            Verdict::QualityMismatch
        }
        (Some(_), Some(_)) => Verdict::NumberMismatch,
        (Some(_), None) => Verdict::MissingAtCentre,
        (None, _) => Verdict::MissingAtAgency,
    }
}

/// The invariant of the partition, I11: what came in of a side is what came out of it.
fn prove(side: &str, came: &Counts, out: impl Iterator<Item = Numbers>) -> Result<(), String> {
    let total = |rows: &mut dyn Iterator<Item = Numbers>| {
        rows.fold((0_u64, 0_u128), |(rows, cases), numbers| {
            (rows + 1, cases + numbers.all().into_iter().map(u128::from).sum::<u128>())
        })
    };
    let (came, out) = (total(&mut came.values().copied()), total(&mut { out }));
    if came == out { Ok(()) } else { Err(format!("{side}: {came:?} came in, {out:?} came out")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(rows: &[(u8, u64, u64)]) -> Counts {
        let rows = rows.iter().map(|(at, given, late)| {
            let name = |text: &str| text.to_owned();
            let key = Key {
                agency: name("tax"),
                service: format!("S{at}"),
                branch: name("b"),
                unit: name("u"),
            };
            let late = (*late).min(*given);
            (key, Numbers { given: *given, refused: 0, in_time: given - late, late })
        });
        rows.collect()
    }

    #[test]
    fn number_and_quality_are_told_apart() {
        let ours = counts(&[(1, 5, 1), (2, 5, 1), (3, 5, 1), (4, 5, 1)]);
        let theirs = counts(&[(1, 5, 1), (2, 6, 1), (3, 5, 2), (5, 5, 1)]);
        let held = compare(&ours, &theirs).unwrap();
        let verdicts: Vec<_> = held.iter().map(|one| one.verdict).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::Agreed,
                Verdict::NumberMismatch,
                Verdict::QualityMismatch,
                Verdict::MissingAtCentre,
                Verdict::MissingAtAgency,
            ]
        );
    }

    proptest! {
        #[test]
        fn the_other_way_round_only_the_sides_are_exchanged(
            ours in proptest::collection::vec((0_u8..9, 0_u64..4, 0_u64..4), 0..9),
            theirs in proptest::collection::vec((0_u8..9, 0_u64..4, 0_u64..4), 0..9),
        ) {
            let (ours, theirs) = (counts(&ours), counts(&theirs));
            let one = compare(&ours, &theirs).unwrap();
            let other = compare(&theirs, &ours).unwrap();
            prop_assert_eq!(one.len(), other.len());
            for (one, other) in one.iter().zip(&other) {
                prop_assert_eq!((one.agency, one.centre), (other.centre, other.agency));
                let mirrored = match one.verdict {
                    Verdict::MissingAtCentre => Verdict::MissingAtAgency,
                    Verdict::MissingAtAgency => Verdict::MissingAtCentre,
                    same => same,
                };
                prop_assert_eq!(other.verdict, mirrored);
            }
        }
    }
}
