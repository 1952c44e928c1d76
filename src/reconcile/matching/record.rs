//! Rows as records of four words: what the join compares, and where the row stands if more is asked.

use super::fingerprint::{Fingerprint, Secret};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::row::Row;
use crate::reconcile::ingest::spill::Record;

/// Bits of a key that name its partition.
const PARTITION_BITS: u32 = 9;
const OFFSET_BITS: u32 = 40;
/// Bytes of a file at most, so that a place fits its bits: 1 TiB.
pub const FILE_BYTES_MAX: u64 = 1 << OFFSET_BITS;

/// Where a row stands: its file's number and the offset of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub file: u64,
    pub offset: u64,
}

/// The partition of a key, by its highest bits.
#[must_use]
#[inline]
pub fn partition(key: u64) -> usize {
    usize::try_from(key >> (64 - PARTITION_BITS)).unwrap_or(0)
}

/// What of a row is compared and is not in its text: its two days, and whether it was open before, so
/// that a row of an earlier day is never plainly the same as one of today.
#[must_use]
#[inline]
pub fn rest(posted: OperatingDay, value: OperatingDay, is_carried: bool) -> u64 {
    let days = u64::from(posted.0.cast_unsigned()) << 32 | u64::from(value.0.cast_unsigned());
    // Days are far below 2³⁰ (the year 9999 is some 2.9 million of them).
    days ^ u64::from(is_carried) << 62
}

/// The record of a row with an id: 32 bits of its key, 112 bits of its content, amount and place.
#[must_use]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "parts of a number")]
pub fn tied(print: &Fingerprint, amount_tiyn: i64, at: At) -> Record {
    let [high, low] = [(print.content >> 64) as u64, print.content as u64];
    let key = print.key << PARTITION_BITS & !0xffff_ffff;
    [key | high >> 32, low, amount_tiyn.cast_unsigned(), place(at) | high & 0xffff]
}

/// The record of a row that waits for the residual stages: what it may be found by, and its place.
#[must_use]
pub fn loose(secret: &Secret, row: &Row<'_>, at: At) -> Record {
    let receipt = if row.receipt.is_empty() { 0 } else { secret.text(row.receipt) | 1 };
    let payer = if row.iin.is_empty() {
        0
    } else {
        // Both are of a fixed length, so that no two rows share the text by chance of their ends.
        let mut text = [0; 20];
        text.iter_mut()
            .zip(row.iin.iter().chain(&row.amount_tiyn.to_le_bytes()))
            .for_each(|(to, from)| *to = *from);
        secret.text(&text) | 1
    };
    let is_tied = u64::from(!row.e2e_id.is_empty());
    [receipt, payer, row.amount_tiyn.cast_unsigned(), place(at) | is_tied]
}

#[inline]
fn place(at: At) -> u64 {
    at.file << 56 | (at.offset & (FILE_BYTES_MAX - 1)) << 16
}

/// 32 bits of the key of a tied record.
#[must_use]
#[inline]
pub fn key(record: &Record) -> u32 {
    u32::try_from(record[0] >> 32).unwrap_or(0)
}

/// Whether two tied records stand for rows that agree in everything.
#[must_use]
#[inline]
pub fn is_same(one: &Record, other: &Record) -> bool {
    one[0] == other[0] && one[1] == other[1] && (one[3] ^ other[3]) & 0xffff == 0
}

/// The amount of a record.
#[must_use]
#[inline]
pub fn amount_tiyn(record: &Record) -> i64 {
    record[2].cast_signed()
}

/// The place of a record's row.
#[must_use]
pub fn at(record: &Record) -> At {
    At { file: record[3] >> 56, offset: record[3] >> 16 & (FILE_BYTES_MAX - 1) }
}

/// Whether the row of a loose record has an id all the same.
#[must_use]
pub fn is_tied(record: &Record) -> bool {
    record[3] & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_keeps_amount_place_and_what_rows_are_compared_by(
            key_ in any::<u64>(), content in any::<u128>(), amount in any::<i64>(),
            file in 0_u64..256, offset in 0..FILE_BYTES_MAX, bit in 0_u32..112,
        ) {
            let print = Fingerprint { key: key_, content };
            let record = tied(&print, amount, At { file, offset });
            prop_assert_eq!(amount_tiyn(&record), amount);
            prop_assert_eq!(at(&record), At { file, offset });
            let bits = u32::try_from(key_ << PARTITION_BITS >> 32).unwrap();
            prop_assert_eq!(key(&record), bits);
            let elsewhere = tied(&print, amount, At { file: 0, offset: 7 });
            prop_assert!(is_same(&record, &elsewhere));
            // 64 low bits, 32 high ones and 16 of the middle are kept.
            let place = if bit < 80 { bit } else { bit + 16 };
            let other = Fingerprint { content: content ^ 1 << place, ..print };
            let unlike = tied(&other, amount, At { file, offset });
            prop_assert!(!is_same(&record, &unlike));
        }
    }
}
