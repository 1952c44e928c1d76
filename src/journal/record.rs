//! An entry as people and programs read it: its rows side by side.

use super::entry::EntryId;
use qaqpa_kit::hex;
use serde::Serialize;

/// The columns of a [`Record`], in both dialects, from `entry_opened o`, `entry_closed c` and
/// `entry_resolved r`.
pub(super) const COLUMNS: &str = "o.id, o.node, o.opened_at_us, o.participant, o.sender_id, \
     o.agency, o.service, o.route_id, o.message_id, o.correlation_id, o.caller_certificate, \
     o.request_digest, o.request_bytes, o.revocation, \
     c.closed_at_us, c.outcome, CAST(CASE WHEN c.needs_evidence THEN 1 ELSE 0 END AS BIGINT), \
     c.fault_code, c.fault_phase, c.evidence, CAST(c.http_status AS BIGINT), c.agency_digest, \
     c.agency_certificate, c.answer_digest, c.answer_bytes, c.phases, \
     c.request_digest, c.request_bytes, \
     r.resolved_at_us, r.outcome, r.evidence, r.note";

/// The service of an order on its way to its bank, as the clerk writes it.
const ORDERS: &str = "PAY_Submit";

/// One entry: who called whom, how it ended, and what was found out since.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    pub entry: String,
    pub node: String,
    /// Unix microseconds.
    pub opened_at_us: i64,
    pub participant: String,
    pub sender_id: String,
    pub agency: String,
    pub service: String,
    pub route_id: String,
    pub message_id: String,
    pub correlation_id: String,
    /// SHA-256 in hexadecimal, as all digests here; `None` where there was none.
    pub caller_certificate: Option<String>,
    pub request_digest: Option<String>,
    pub request_bytes: i64,
    /// Whether the caller's certificates were revoked, on what evidence, and their chains: a line each.
    pub revocation: Option<String>,
    /// `None`: under way, or its node died and has not started again.
    pub closed: Option<ClosedRecord>,
    pub resolved: Option<ResolvedRecord>,
}

/// How an entry ended.
#[derive(Clone, Debug, Serialize)]
pub struct ClosedRecord {
    /// Unix microseconds.
    pub closed_at_us: i64,
    /// `Done`, `Refused` or `Unknown`.
    pub outcome: String,
    /// Only an inquiry, a register or an operator can say what happened.
    pub needs_evidence: bool,
    pub fault_code: Option<String>,
    pub fault_phase: Option<String>,
    pub evidence: String,
    pub http_status: Option<i64>,
    pub agency_digest: Option<String>,
    pub agency_certificate: Option<String>,
    pub answer_digest: Option<String>,
    pub answer_bytes: i64,
    /// `receive=120 identify=140 …`: microseconds since it was opened at the end of each phase.
    pub phases: String,
    /// Of a request that was relayed: its body, as far as it was sent on. The opened row then tells of
    /// its head.
    pub body_digest: Option<String>,
    pub body_bytes: Option<i64>,
}

/// What was found out about an entry left Unknown.
#[derive(Clone, Debug, Serialize)]
pub struct ResolvedRecord {
    /// Unix microseconds.
    pub resolved_at_us: i64,
    /// `Done` or `Refused`.
    pub outcome: String,
    pub evidence: String,
    pub note: String,
}

/// A row of either store, read by the place of its column.
pub(super) trait Columns {
    type Error;
    fn id(&self, place: usize) -> Result<EntryId, Self::Error>;
    fn text(&self, place: usize) -> Result<Option<String>, Self::Error>;
    fn number(&self, place: usize) -> Result<Option<i64>, Self::Error>;
    fn bytes(&self, place: usize) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Reads the places of a row one after another.
struct Cursor<'a, C> {
    row: &'a C,
    place: usize,
}

impl<C: Columns> Cursor<'_, C> {
    fn next(&mut self) -> usize {
        self.place += 1;
        self.place - 1
    }

    fn text(&mut self) -> Result<String, C::Error> {
        Ok(self.optional_text()?.unwrap_or_default())
    }

    fn optional_text(&mut self) -> Result<Option<String>, C::Error> {
        let place = self.next();
        self.row.text(place)
    }

    fn number(&mut self) -> Result<i64, C::Error> {
        Ok(self.optional_number()?.unwrap_or_default())
    }

    fn optional_number(&mut self) -> Result<Option<i64>, C::Error> {
        let place = self.next();
        self.row.number(place)
    }

    fn digest(&mut self) -> Result<Option<String>, C::Error> {
        let place = self.next();
        Ok(self.row.bytes(place)?.map(|bytes| hex::lower(&bytes)))
    }
}

impl Record {
    /// Reads a row of [`COLUMNS`].
    pub(super) fn read<C: Columns>(row: &C) -> Result<Self, C::Error> {
        let mut cursor = Cursor { row, place: 1 };
        let row = &mut cursor;
        Ok(Self {
            entry: row.row.id(0)?.to_string(),
            node: row.text()?,
            opened_at_us: row.number()?,
            participant: row.text()?,
            sender_id: row.text()?,
            agency: row.text()?,
            service: row.text()?,
            route_id: row.text()?,
            message_id: row.text()?,
            correlation_id: row.text()?,
            caller_certificate: row.digest()?,
            request_digest: row.digest()?,
            request_bytes: row.number()?,
            revocation: row.optional_text()?,
            closed: ClosedRecord::read(row)?,
            resolved: ResolvedRecord::read(row)?,
        })
    }
}

impl ClosedRecord {
    fn read<C: Columns>(row: &mut Cursor<'_, C>) -> Result<Option<Self>, C::Error> {
        let closed_at_us = row.optional_number()?;
        let closed = Self {
            closed_at_us: closed_at_us.unwrap_or_default(),
            outcome: row.text()?,
            needs_evidence: row.number()? != 0,
            fault_code: row.optional_text()?,
            fault_phase: row.optional_text()?,
            evidence: row.text()?,
            http_status: row.optional_number()?,
            agency_digest: row.digest()?,
            agency_certificate: row.digest()?,
            answer_digest: row.digest()?,
            answer_bytes: row.number()?,
            phases: row.text()?,
            body_digest: row.digest()?,
            body_bytes: row.optional_number()?,
        };
        Ok(closed_at_us.map(|_| closed))
    }
}

impl Record {
    /// It was left Unknown, and nothing has come that says what became of it.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.resolved.is_none() && self.closed.as_ref().is_some_and(|closed| closed.needs_evidence)
    }

    /// It is a payment on its way to its bank, which ends with the payment.
    #[must_use]
    pub fn is_order(&self) -> bool {
        self.service == ORDERS
    }
}

impl ResolvedRecord {
    fn read<C: Columns>(row: &mut Cursor<'_, C>) -> Result<Option<Self>, C::Error> {
        let resolved_at_us = row.optional_number()?;
        let resolved = Self {
            resolved_at_us: resolved_at_us.unwrap_or_default(),
            outcome: row.text()?,
            evidence: row.text()?,
            note: row.text()?,
        };
        Ok(resolved_at_us.map(|_| resolved))
    }
}

/// Which entries to list, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Under way now, or left by a node that has not started again.
    Open,
    /// Left Unknown, and waiting for evidence.
    Unknown,
    /// Those of them that are an order on its way to a bank.
    UnknownOrders,
}

impl Listing {
    /// What follows `FROM`, up to the limit, in both dialects. `CROSS JOIN` tells SQLite to begin with the
    /// few that are asked for.
    pub(super) const fn tables(self) -> &'static str {
        match self {
            Self::Open => {
                "entry_under_way u CROSS JOIN entry_opened o LEFT JOIN entry_closed c ON c.id = u.id \
                 LEFT JOIN entry_resolved r ON r.id = u.id WHERE o.id = u.id ORDER BY u.id"
            }
            Self::Unknown => {
                "entry_waiting w CROSS JOIN entry_opened o CROSS JOIN entry_closed c \
                 LEFT JOIN entry_resolved r ON r.id = w.id \
                 WHERE o.id = w.id AND c.id = w.id ORDER BY w.id"
            }
            Self::UnknownOrders => {
                "entry_waiting w CROSS JOIN entry_opened o CROSS JOIN entry_closed c \
                 LEFT JOIN entry_resolved r ON r.id = w.id \
                 WHERE w.service = 'PAY_Submit' AND o.id = w.id AND c.id = w.id ORDER BY w.id"
            }
        }
    }
}

/// What follows `FROM` for one entry; its id is the one parameter.
pub(super) const ONE: &str = "entry_opened o LEFT JOIN entry_closed c ON c.id = o.id \
     LEFT JOIN entry_resolved r ON r.id = o.id WHERE o.id = $1";
