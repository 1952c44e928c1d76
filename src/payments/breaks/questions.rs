//! What can be asked of runs and breaks: reading alone, on both stores.

use super::record::{Break, BreakCount, BreakStep, DayRow, RegisterFile, Run};
use crate::journal::down::JournalDown;
use crate::payments::Payments;
use crate::payments::calendar::OperatingDay;
use crate::payments::record::Order;
use crate::payments::store::Parameter::{self, Number, Text};

/// Categories of lone rows, which a later day's run takes up again.
const LONE: &str = "('MISSING_IN_BANK', 'MISSING_IN_GATEWAY', 'RETURN_UNLINKED')";

/// Which breaks are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Empty: of every bank.
    pub bank: String,
    /// Empty: of every category.
    pub category: String,
    /// Those that have ended too.
    pub with_ended: bool,
}

impl Payments {
    /// One run.
    ///
    /// # Errors
    /// When the store cannot be read now; as of every question below.
    pub async fn reconcile_run(&self, id: &str) -> Result<Option<Run>, JournalDown> {
        let sql = "SELECT * FROM reconcile_run WHERE id = $1";
        Ok(self.reader.rows(sql, vec![text(id)]).await?.pop())
    }

    /// Runs that wait, and those whose node may have died, the longest waiting first.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn reconcile_runs_open(&self, limit: u32) -> Result<Vec<Run>, JournalDown> {
        let sql = "SELECT * FROM reconcile_run WHERE state IN ('waiting', 'running') \
             ORDER BY received_at_us LIMIT $1";
        self.reader.rows(sql, vec![number(limit)]).await
    }

    /// The last runs of a bank that came to an end, the newest first.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn reconcile_runs(&self, bank: &str, limit: u32) -> Result<Vec<Run>, JournalDown> {
        let sql = "SELECT * FROM reconcile_run WHERE bank = $1 AND state IN ('done', 'refused') \
             ORDER BY changed_at_us DESC LIMIT $2";
        self.reader.rows(sql, vec![text(bank), number(limit)]).await
    }

    /// A file by its bank and SHA-256.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn register_file(
        &self,
        bank: &str,
        sha256: &str,
    ) -> Result<Option<RegisterFile>, JournalDown> {
        let sql = "SELECT * FROM register_file WHERE id = $1";
        Ok(self.reader.rows(sql, vec![text(&format!("{bank}/{sha256}"))]).await?.pop())
    }

    /// One break.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn break_item(&self, id: &str) -> Result<Option<Break>, JournalDown> {
        let sql = "SELECT * FROM break_item WHERE id = $1";
        Ok(self.reader.rows(sql, vec![text(id)]).await?.pop())
    }

    /// Breaks, the most money first.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn break_items(&self, asked: &Filter, limit: u32) -> Result<Vec<Break>, JournalDown> {
        let sql = "SELECT * FROM break_item WHERE ($1 = '' OR bank = $1) \
             AND ($2 = '' OR category = $2) AND (CAST($3 AS BIGINT) = 1 OR ended_day IS NULL) \
             ORDER BY amount_tiyn DESC, since_day, id LIMIT $4";
        let ended = Number(i64::from(asked.with_ended));
        let parameters = vec![text(&asked.bank), text(&asked.category), ended, number(limit)];
        self.reader.rows(sql, parameters).await
    }

    /// Everything that was done with a break.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn break_steps(&self, id: &str) -> Result<Vec<BreakStep>, JournalDown> {
        let sql = "SELECT * FROM break_step WHERE break_id = $1 ORDER BY version";
        self.reader.rows(sql, vec![text(id)]).await
    }

    /// Open breaks by bank and category.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn break_counts(&self) -> Result<Vec<BreakCount>, JournalDown> {
        let sql = "SELECT bank, category, count(*) AS breaks, \
             CAST(sum(amount_tiyn) AS BIGINT) AS amount_tiyn, min(since_day) AS oldest_day \
             FROM break_item WHERE ended_day IS NULL GROUP BY bank, category";
        self.reader.rows(sql, Vec::new()).await
    }

    /// Lone rows that were open when a day began and that nobody has ended by hand during it, by id
    /// after the one given: the same at every run of that day.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn breaks_carried(
        &self,
        (bank, day): (&str, OperatingDay),
        after: &str,
        limit: u32,
    ) -> Result<Vec<Break>, JournalDown> {
        let sql = format!(
            "SELECT * FROM break_item WHERE bank = $1 AND since_day < $2 AND id > $3 \
             AND category IN {LONE} AND (ended_day IS NULL OR ended_day > $2 \
             OR (ended_day = $2 AND approved_by IS NULL)) ORDER BY id LIMIT $4"
        );
        let parameters = vec![text(bank), Number(i64::from(day.0)), text(after), number(limit)];
        self.reader.rows(&sql, parameters).await
    }

    /// Open breaks of a day, and lone rows of earlier days, that a run of this day looked at and did
    /// not find.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn breaks_unseen(
        &self,
        (bank, day): (&str, OperatingDay),
        (run, after): (&str, &str),
        limit: u32,
    ) -> Result<Vec<Break>, JournalDown> {
        let sql = format!(
            "SELECT * FROM break_item WHERE bank = $1 AND seen_day <= $2 AND seen_run <> $3 \
             AND id > $4 AND ended_day IS NULL \
             AND (since_day = $2 OR (since_day < $2 AND category IN {LONE})) ORDER BY id LIMIT $5"
        );
        let day = Number(i64::from(day.0));
        let parameters = vec![text(bank), day, text(run), text(after), number(limit)];
        self.reader.rows(&sql, parameters).await
    }

    /// The journal's side of an operating day, by id after the one given. Of a closed day each payment is
    /// as it was known at the closing, with the numbers that it had then.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn day_rows(
        &self,
        (bank, day): (&str, OperatingDay),
        closed_at_us: Option<i64>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<DayRow>, JournalDown> {
        let sql = "SELECT o.id, o.end_to_end_id, o.payer, o.payee, o.kbk, coalesce(c.knp, '') AS knp, \
             o.amount_tiyn, o.posted_at_us, o.reverses, \
             CASE WHEN coalesce(o.document_at_us, 0) <= $1 THEN o.document_number END AS document_number, \
             CASE WHEN coalesce(o.txn_at_us, 0) <= $1 THEN o.txn_id END AS txn_id, \
             coalesce(h.step, o.step) AS step, coalesce(h.state, o.state) AS state \
             FROM payment_order o LEFT JOIN payment_order r ON r.id = o.reverses \
             LEFT JOIN charge c ON c.id = coalesce(o.charge, r.charge) \
             LEFT JOIN order_change h ON h.order_id = o.id AND h.version = (SELECT max(k.version) \
             FROM order_change k WHERE k.order_id = o.id AND k.changed_at_us <= $1) \
             WHERE o.bank = $2 AND o.operating_day = $3 AND o.id > $4 AND o.takes IS NULL \
             ORDER BY o.id LIMIT $5";
        let parameters = vec![
            Number(closed_at_us.unwrap_or(i64::MAX)),
            text(bank),
            Number(i64::from(day.0)),
            text(after),
            number(limit),
        ];
        self.reader.rows(sql, parameters).await
    }

    /// The order with this id at both sides.
    ///
    /// # Errors
    /// See [`Payments::reconcile_run`].
    pub async fn order_by_end_to_end(&self, id: &str) -> Result<Option<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE end_to_end_id = $1";
        Ok(self.reader.rows(sql, vec![text(id)]).await?.pop())
    }
}

fn text(value: &str) -> Parameter {
    Text(value.to_owned())
}

fn number(limit: u32) -> Parameter {
    Number(i64::from(limit))
}
