//! Numbers of statements in one file: a statement that is missing between two is a promise broken.

use std::collections::BTreeMap;

/// Statements whose numbers are remembered; a file has few.
const STATEMENTS_MAX: usize = 100_000;

/// Numbers of statements by account.
#[derive(Default)]
pub(super) struct Sequence {
    numbers: BTreeMap<Vec<u8>, Vec<u64>>,
    count: usize,
}

impl Sequence {
    /// One more statement. Pages of one share its number.
    pub(super) fn add(&mut self, account: Vec<u8>, number: u64, is_paged: bool) {
        if self.count >= STATEMENTS_MAX {
            return;
        }
        self.count += 1;
        let numbers = self.numbers.entry(account).or_default();
        if !(is_paged && numbers.contains(&number)) {
            numbers.push(number);
        }
    }

    /// What is missing, or there twice.
    pub(super) fn gap(mut self, name: &str) -> Option<String> {
        self.numbers.values_mut().find_map(|numbers| {
            numbers.sort_unstable();
            let pairs = numbers.iter().zip(numbers.iter().skip(1));
            let (one, next) =
                pairs.into_iter().find(|(one, next)| one.checked_add(1) != Some(**next))?;
            Some(if one == next {
                format!("{name} {one} stands twice for one account")
            } else {
                format!("{name} {next} follows {one}: a statement is missing")
            })
        })
    }
}
