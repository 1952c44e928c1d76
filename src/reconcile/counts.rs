//! What a run counts: pairs by rule, breaks by category, and the rows and the money of each side in them.

use super::breaks::{Category, Finding};
use super::ingest::frame::Side;
use super::ingest::source::Line;
use super::matching::residual::Rule;
use std::collections::BTreeMap;

/// Rows and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: u64,
    pub sum_tiyn: i128,
}

impl Tally {
    fn add(&mut self, line: Option<&Line>) {
        if let Some(line) = line {
            self.rows += 1;
            self.sum_tiyn += i128::from(line.amount_tiyn);
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum_tiyn += other.sum_tiyn;
    }
}

/// Breaks of one category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broken {
    pub breaks: u64,
    pub journal: Tally,
    pub register: Tally,
}

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pairs that agree.
    pub matched: Tally,
    /// Of these, by the rule that made them.
    pub rules: BTreeMap<Rule, u64>,
    pub broken: BTreeMap<Category, Broken>,
    /// Partitions that their digests proved clean.
    pub clean: u64,
}

impl Counts {
    pub(super) fn pairs(&mut self, rule: Rule, pairs: Tally) {
        self.matched.join(pairs);
        if pairs.rows > 0 {
            *self.rules.entry(rule).or_default() += pairs.rows;
        }
    }

    pub(super) fn finding(&mut self, finding: &Finding) {
        let (journal, register) = (finding.journal.as_ref(), finding.register.as_ref());
        match (finding.category, finding.rule) {
            (Some(category), _) => {
                let broken = self.broken.entry(category).or_default();
                broken.breaks += 1;
                broken.journal.add(journal);
                broken.register.add(register);
            }
            (None, Some(rule)) => {
                let mut pair = Tally::default();
                pair.add(journal);
                self.pairs(rule, pair);
            }
            (None, None) => {}
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.matched.join(other.matched);
        self.clean += other.clean;
        for (rule, pairs) in &other.rules {
            *self.rules.entry(*rule).or_default() += pairs;
        }
        for (category, broken) in &other.broken {
            let mine = self.broken.entry(*category).or_default();
            mine.breaks += broken.breaks;
            mine.journal.join(broken.journal);
            mine.register.join(broken.register);
        }
    }

    /// The rows and the money of one side, as they must add up to.
    pub(super) fn side(&self, side: Side) -> Tally {
        let mut all = self.matched;
        for broken in self.broken.values() {
            all.join(match side {
                Side::Journal => broken.journal,
                Side::Register => broken.register,
            });
        }
        all
    }
}
