//! The acts of a month: one for each agency and branch, and a central one for each agency, which is their sum.

use super::compare::{Held, Verdict};
use super::form::Month;
use super::{Counts, Key, Numbers};
use crate::reconcile::act::{Act, Count, Digested, Party, Total};
use std::collections::BTreeMap;

/// The branch under which the centre's head office sends counts of its own: they must be the sum.
pub const CENTRAL: &str = "central";

/// What one act is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    pub agency: String,
    /// `None`: the central act.
    pub branch: Option<String>,
}

impl About {
    /// The name of the act's file. `+` stands in no name, so that no two acts share one.
    #[must_use]
    pub fn file(&self) -> String {
        match &self.branch {
            Some(branch) => format!("act+{}+{branch}.xml", self.agency),
            None => format!("act+{}.xml", self.agency),
        }
    }
}

/// What an act says: the centre's numbers, and how many keys the agency counts otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub counts: Counts,
    pub differences: BTreeMap<Verdict, u64>,
}

/// All acts of a month.
///
/// # Errors
/// The central acts are not the exact sum of the branches': a mistake of this program.
pub fn contents(held: &[Held]) -> Result<BTreeMap<About, Content>, String> {
    let mut all: BTreeMap<About, Content> = BTreeMap::new();
    let beyond = || "a sum beyond 64 bits".to_owned();
    for one in held {
        let Key { agency, service, branch, .. } = &one.key;
        let about = |branch| About { agency: agency.clone(), branch };
        let mine = all.entry(about(Some(branch.clone()))).or_default();
        mine.counts.extend(one.centre.map(|numbers| (one.key.clone(), numbers)));
        let central = Key {
            agency: agency.clone(),
            service: service.clone(),
            branch: CENTRAL.to_owned(),
            unit: CENTRAL.to_owned(),
        };
        if one.verdict != Verdict::Agreed {
            *mine.differences.entry(one.verdict).or_default() += 1;
        }
        let whole = all.entry(about(None)).or_default();
        if one.verdict != Verdict::Agreed {
            *whole.differences.entry(one.verdict).or_default() += 1;
        }
        if let Some(numbers) = one.centre {
            let sum = whole.counts.entry(central).or_default();
            *sum = sum.plus(numbers).ok_or_else(beyond)?;
        }
    }
    prove(&all)?;
    Ok(all)
}

/// Service by service: a central act is the exact sum of its branches'.
fn prove(all: &BTreeMap<About, Content>) -> Result<(), String> {
    let mut sums: BTreeMap<(&str, &str), Numbers> = BTreeMap::new();
    let mut central: BTreeMap<(&str, &str), Numbers> = BTreeMap::new();
    for (about, content) in all {
        let sums = if about.branch.is_some() { &mut sums } else { &mut central };
        for (key, numbers) in &content.counts {
            let sum = sums.entry((about.agency.as_str(), key.service.as_str())).or_default();
            *sum = sum.plus(*numbers).ok_or("a sum beyond 64 bits")?;
        }
    }
    if sums == central {
        Ok(())
    } else {
        Err("a central act is not the sum of its branches' acts".to_owned())
    }
}

/// The services of which the head office's own numbers are not the sum of the branches': agency, service,
/// the sum, and what the head office says.
#[must_use]
pub fn central_differences(
    all: &BTreeMap<About, Content>,
    head_office: &Counts,
) -> Vec<(String, String, Option<Numbers>, Option<Numbers>)> {
    let mut both: BTreeMap<(String, String), [Option<Numbers>; 2]> = BTreeMap::new();
    for (about, content) in all {
        if about.branch.is_none() {
            for (key, numbers) in &content.counts {
                both.entry((key.agency.clone(), key.service.clone())).or_default()[0] =
                    Some(*numbers);
            }
        }
    }
    for (key, numbers) in head_office {
        let said = &mut both.entry((key.agency.clone(), key.service.clone())).or_default()[1];
        *said = said.unwrap_or_default().plus(*numbers);
    }
    let differ = both.into_iter().filter(|(_, [sum, said])| sum != said);
    differ.map(|((agency, service), [sum, said])| (agency, service, sum, said)).collect()
}

/// The document of one act.
#[must_use]
pub fn act(
    month: Month,
    about: &About,
    content: &Content,
    parties: [Party; 2],
    files: &[Digested],
) -> Act {
    let total = content.counts.values().try_fold(Numbers::default(), |sum, one| sum.plus(*one));
    let total = total.unwrap_or_default();
    let names = ["given", "refused", "in_time", "late"];
    let totals = names.into_iter().zip(total.all()).map(|(name, rows)| Total {
        name: name.to_owned(),
        rows,
        sum_tiyn: 0,
    });
    let counts = content.counts.iter().map(|(key, numbers)| Count {
        service: key.service.clone(),
        branch: key.branch.clone(),
        unit: key.unit.clone(),
        numbers: numbers.all(),
    });
    let differences = content.differences.iter();
    Act {
        kind: "services".to_owned(),
        subject: about.agency.clone(),
        period: [month.first().to_string(), month.last().to_string()],
        parties,
        totals: totals.collect(),
        breaks: differences.map(|(verdict, count)| (verdict.word().to_owned(), *count)).collect(),
        counts: counts.collect(),
        inputs: Vec::new(),
        files: files.to_vec(),
        made_by: [
            env!("CARGO_PKG_NAME").to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
            String::new(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::compare;
    use super::*;
    use proptest::prelude::*;

    fn counts(rows: &[(u8, u8, u8, u64)]) -> Counts {
        let rows = rows.iter().map(|(agency, service, branch, given)| {
            let key = Key {
                agency: format!("A{agency}"),
                service: format!("S{service}"),
                branch: format!("B{branch}"),
                unit: "u".to_owned(),
            };
            (key, Numbers { given: *given, refused: 1, in_time: *given, late: 1 })
        });
        rows.collect()
    }

    proptest! {
        #[test]
        fn a_central_act_is_the_sum_of_its_branches(
            rows in proptest::collection::vec((0_u8..3, 0_u8..3, 0_u8..4, 0_u64..50), 0..40),
        ) {
            let centre = counts(&rows);
            let all = contents(&compare(&centre, &centre).unwrap()).unwrap();
            for (about, content) in all.iter().filter(|(about, _)| about.branch.is_none()) {
                for (key, numbers) in &content.counts {
                    let mine = centre.iter().filter(|(one, _)| {
                        one.agency == about.agency && one.service == key.service
                    });
                    let sum: u64 = mine.map(|(_, numbers)| numbers.given).sum();
                    prop_assert_eq!(sum, numbers.given);
                }
                prop_assert_eq!(central_differences(&all, &centre), []);
            }
        }
    }

    #[test]
    fn a_head_office_that_says_otherwise_is_told() {
        let centre = counts(&[(0, 0, 0, 5), (0, 0, 1, 7), (0, 1, 0, 2)]);
        let all = contents(&compare(&centre, &centre).unwrap()).unwrap();
        let said = counts(&[(0, 0, 9, 11)]);
        let differ = central_differences(&all, &said);
        let given = |one: Option<Numbers>| one.map(|numbers| numbers.given);
        let differ: Vec<_> = differ
            .iter()
            .map(|(_, service, sum, said)| (service.as_str(), given(*sum), given(*said)))
            .collect();
        assert_eq!(differ, [("S0", Some(12), Some(11)), ("S1", Some(2), None)]);
    }

    #[test]
    fn acts_of_different_names_stand_in_different_files() {
        let about = |agency: &str, branch: Option<&str>| About {
            agency: agency.to_owned(),
            branch: branch.map(str::to_owned),
        };
        let names = [
            about("a.b", Some("c")),
            about("a", Some("b.c")),
            about("a", None),
            about("a.b", None),
        ];
        let files: std::collections::BTreeSet<_> = names.iter().map(About::file).collect();
        assert_eq!(files.len(), names.len());
    }
}
