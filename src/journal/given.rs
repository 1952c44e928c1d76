//! How many calls of a time an agency answered or refused, by service, route and caller, and how many in time.

use super::record::Columns;
use std::ops::Range;
use uuid::Uuid;

/// Calls that have these in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub agency: String,
    pub service: String,
    pub participant: String,
    pub route_id: String,
    /// Done; else refused.
    pub is_given: bool,
    /// Closed within the deadline that was asked about.
    pub is_in_time: bool,
    pub calls: i64,
}

/// Ids from the first on and below the second, then the deadline in microseconds. What failed before an
/// agency decided, and what is Unknown still, is left out.
pub(super) const SELECT: &str = "SELECT o.agency, o.service, o.participant, o.route_id, \
     CAST(CASE WHEN COALESCE(r.outcome, c.outcome) = 'Done' THEN 1 ELSE 0 END AS BIGINT), \
     CAST(CASE WHEN c.closed_at_us - o.opened_at_us <= $3 THEN 1 ELSE 0 END AS BIGINT), COUNT(*) \
     FROM entry_opened o JOIN entry_closed c ON c.id = o.id AND c.id >= $1 AND c.id < $2 \
     LEFT JOIN entry_resolved r ON r.id = o.id \
     WHERE o.id >= $1 AND o.id < $2 \
     AND (r.id IS NOT NULL OR c.fault_code IS NULL AND c.outcome <> 'Unknown') \
     GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6";

impl Given {
    pub(super) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        let text = |place| Ok(row.text(place)?.unwrap_or_default());
        let number = |place| Ok(row.number(place)?.unwrap_or_default());
        Ok(Self {
            agency: text(0)?,
            service: text(1)?,
            participant: text(2)?,
            route_id: text(3)?,
            is_given: number(4)? == 1,
            is_in_time: number(5)? == 1,
            calls: number(6)?,
        })
    }
}

/// The ids of entries opened in a time (Unix microseconds): a UUID version 7 begins with its milliseconds.
pub(super) fn ids(opened_us: &Range<i64>) -> [Uuid; 2] {
    let bound = |us: i64| Uuid::from_u128(u128::from(us.max(0).cast_unsigned() / 1_000) << 80);
    [bound(opened_us.start), bound(opened_us.end)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::entry::EntryId;

    #[test]
    fn an_entry_lies_between_the_ids_of_its_time() {
        let at_us = 1_795_323_600_000_000;
        for (us, is_inside) in [
            (at_us - 1_000, false),
            (at_us, true),
            (at_us + 999_000, true),
            (at_us + 1_000_000, false),
        ] {
            let [from, until] = ids(&(at_us..at_us + 1_000_000));
            let id = EntryId::at(us).0;
            assert_eq!(from <= id && id < until, is_inside, "{us}");
        }
    }
}
