//! The exact join of one partition: rows that agree in everything are done, the rest is gathered by id.
//!
//! A hash table over the journal's records, probed with the register's. Nothing is decided here by a
//! hash but that two rows are the same in 112 bits of a keyed fingerprint and 41 of their ids' hash;
//! whatever else carries an id that occurs a second time, or on one side only, is handed on.

use super::record::{self, is_same, key};
use crate::reconcile::ingest::frame::Side;
use crate::reconcile::ingest::spill::Record;

/// Room for one partition, used again for the next.
#[derive(Default)]
pub struct Join {
    pub journal: Vec<Record>,
    pub register: Vec<Record>,
    /// `key << 32 | place + 1`; 0 is empty.
    table: Vec<u64>,
    is_paired: Vec<bool>,
    suspects: Vec<u32>,
    filter: Vec<u64>,
    /// Records that are no plain pair, those of one key together.
    pub open: Vec<(u32, Side, Record)>,
    /// Plain pairs, and the sum of one side of them.
    pub pairs: u64,
    pub sum_tiyn: i128,
}

/// Bits of the filter in front of the list of suspects.
const FILTER_BITS: usize = 1 << 15;

impl Join {
    /// Joins what stands in `journal` and `register`.
    pub fn run(&mut self) {
        self.build();
        self.probe();
        self.gather();
    }

    fn build(&mut self) {
        let slots = (self.journal.len() * 2).next_power_of_two().max(16);
        self.table.clear();
        self.table.resize(slots, 0);
        self.suspects.clear();
        let mask = slots - 1;
        for (entry, record) in (1_u64..).zip(&self.journal) {
            let key = key(record);
            let mut at = key as usize & mask;
            while let Some(slot) = self.table.get_mut(at) {
                if *slot == 0 {
                    *slot = u64::from(key) << 32 | entry;
                    break;
                }
                if *slot >> 32 == u64::from(key) {
                    // An id a second time, or a chance of 2⁻³²: the texts will tell.
                    self.suspects.push(key);
                    break;
                }
                at = (at + 1) & mask;
            }
        }
    }

    fn probe(&mut self) {
        self.is_paired.clear();
        self.is_paired.resize(self.journal.len(), false);
        for record in &self.register {
            let key = key(record);
            let is_pair = find(&self.table, key).is_some_and(|place| {
                let pair = self.journal.get(place).zip(self.is_paired.get_mut(place));
                pair.is_some_and(|(journal, is_paired)| {
                    !*is_paired && is_same(journal, record) && {
                        *is_paired = true;
                        true
                    }
                })
            });
            if !is_pair {
                self.suspects.push(key);
            }
        }
        let alone = self.journal.iter().zip(&self.is_paired).filter(|(_, is_paired)| !**is_paired);
        self.suspects.extend(alone.map(|(record, _)| key(record)));
        self.suspects.sort_unstable();
        self.suspects.dedup();
    }

    fn gather(&mut self) {
        self.filter.clear();
        self.filter.resize(FILTER_BITS / 64, 0);
        for key in &self.suspects {
            if let Some(word) = self.filter.get_mut(*key as usize % FILTER_BITS / 64) {
                *word |= 1 << (key % 64);
            }
        }
        (self.pairs, self.sum_tiyn) = (0, 0);
        self.open.clear();
        let (filter, suspects) = (&self.filter, &self.suspects);
        let is_suspect = |key: u32| {
            filter
                .get(key as usize % FILTER_BITS / 64)
                .is_some_and(|word| word >> (key % 64) & 1 == 1)
                && suspects.binary_search(&key).is_ok()
        };
        for record in &self.journal {
            let key = key(record);
            if is_suspect(key) {
                self.open.push((key, Side::Journal, *record));
            } else {
                self.pairs += 1;
                self.sum_tiyn += i128::from(record::amount_tiyn(record));
            }
        }
        let register = self.register.iter().map(|record| (key(record), record));
        let register = register.filter(|(key, _)| is_suspect(*key));
        self.open.extend(register.map(|(key, record)| (key, Side::Register, *record)));
        self.open.sort_unstable_by_key(|(key, side, _)| (*key, *side));
    }
}

#[inline]
fn find(table: &[u64], key: u32) -> Option<usize> {
    let mask = table.len() - 1;
    let mut at = key as usize & mask;
    loop {
        let entry = *table.get(at)?;
        if entry == 0 {
            return None;
        }
        if entry >> 32 == u64::from(key) {
            return usize::try_from((entry & 0xffff_ffff) - 1).ok();
        }
        at = (at + 1) & mask;
    }
}
