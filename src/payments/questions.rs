//! What can be asked of payments, on either store, without taking part in the writing.

use super::Payments;
use super::calendar::OperatingDay;
use super::proof::Found;
use super::record::{
    Balance, Change, Charge, Closing, Exposure, Heard, Id, Levels, Notice, NoticeCount, OpenCount,
    Order, Party, Redemption, Transfer,
};
use super::store::Parameter::{Number, Text};
use crate::journal::down::JournalDown;

/// Asked again and again: an index answers it alone.
pub(super) const NOTICE_COUNTS: &str = "SELECT recipient, \
     CAST(sum(CASE WHEN dead_at_us IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS waiting, \
     CAST(sum(CASE WHEN dead_at_us IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS dead, \
     min(changed_at_us) AS oldest_us \
     FROM notice WHERE told_at_us IS NULL GROUP BY recipient ORDER BY recipient";

impl Payments {
    /// One order.
    ///
    /// # Errors
    /// When the store cannot be read now; as of every question below.
    pub async fn order(&self, id: &Id) -> Result<Option<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE id = $1";
        Ok(self.reader.rows(sql, vec![text(id)]).await?.pop())
    }

    /// One charge.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn charge(&self, id: &Id) -> Result<Option<Charge>, JournalDown> {
        let sql = "SELECT * FROM charge WHERE id = $1";
        Ok(self.reader.rows(sql, vec![text(id)]).await?.pop())
    }

    /// The charge with an agency's own number.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn charge_of(
        &self,
        agency: &str,
        number: &str,
    ) -> Result<Option<Charge>, JournalDown> {
        let sql = "SELECT * FROM charge WHERE name = $1";
        let name = Text(format!("{agency}/{number}"));
        Ok(self.reader.rows(sql, vec![name]).await?.pop())
    }

    /// The order that is paying a charge, or has paid it.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn holder(&self, charge: &Id) -> Result<Option<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE charge = $1 AND holds = 1";
        Ok(self.reader.rows(sql, vec![text(charge)]).await?.pop())
    }

    /// Every order of a charge, oldest first: the one that holds it, and those beside it.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn orders_of_charge(
        &self,
        charge: &Id,
        limit: u32,
    ) -> Result<Vec<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE charge = $1 AND holds = 1 UNION ALL \
             SELECT * FROM payment_order WHERE charge = $1 AND holds = 0 ORDER BY id LIMIT $2";
        self.reader.rows(sql, vec![text(charge), number(limit)]).await
    }

    /// What a payer has still to pay, oldest first: not annulled, and no order is paying it.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn charges_open(
        &self,
        payer: &Party,
        limit: u32,
    ) -> Result<Vec<Charge>, JournalDown> {
        let sql = "SELECT * FROM charge WHERE payer = $1 AND annulled_at_us IS NULL \
             AND NOT EXISTS (SELECT 1 FROM payment_order o WHERE o.charge = charge.id \
             AND o.holds = 1) ORDER BY id LIMIT $2";
        self.reader.rows(sql, vec![Text(payer.digits().to_owned()), number(limit)]).await
    }

    /// Which call a payment is the proof for, or was last.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn redemption(&self, order: &Id) -> Result<Option<Redemption>, JournalDown> {
        let sql = "SELECT * FROM redemption WHERE id = $1";
        Ok(self.reader.rows(sql, vec![text(order)]).await?.pop())
    }

    /// Confirmed payments for a person's charges on a budget code that prove nothing yet, oldest first;
    /// without those that were registered for another fee or duty.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn proofs(
        &self,
        debtor: &Party,
        (kbk, tariff): (&str, &str),
        limit: u32,
    ) -> Result<Vec<Found>, JournalDown> {
        let sql = "SELECT o.*, c.tariff, c.registered_at_us \
             FROM charge c JOIN payment_order o ON o.charge = c.id AND o.holds = 1 \
             WHERE c.payer = $1 AND c.annulled_at_us IS NULL AND o.kbk = $2 \
             AND (c.tariff IS NULL OR c.tariff = $3) \
             AND o.state IN ('posted', 'settled') AND o.claim = 'payable' AND o.returned_tiyn = 0 \
             AND NOT EXISTS (SELECT 1 FROM redemption r WHERE r.id = o.id AND r.call IS NOT NULL) \
             ORDER BY o.id LIMIT $4";
        let [debtor, kbk, tariff] =
            [debtor.digits(), kbk, tariff].map(|text| Text(text.to_owned()));
        self.reader.rows(sql, vec![debtor, kbk, tariff, number(limit)]).await
    }

    /// Orders of which nobody knows the outcome, those whose evidence contradicts itself, and refunds that
    /// were not sent (a bank that takes no orders makes them by hand), longest waiting first. Their row tells the owner (`node`), the age (`changed_at_us`) and the next check.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn unknown(&self, limit: u32) -> Result<Vec<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE state IN ('unknown', 'conflict') \
             UNION ALL SELECT * FROM payment_order WHERE reverses IS NOT NULL \
             AND state = 'reserved' ORDER BY changed_at_us LIMIT $1";
        self.reader.rows(sql, vec![number(limit)]).await
    }

    /// Money at a bank that pays no charge and was not given back, longest waiting first.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn suspended(&self, limit: u32) -> Result<Vec<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE claim = 'suspense' \
             AND reverses IS NULL AND returned_tiyn < amount_tiyn ORDER BY changed_at_us LIMIT $1";
        self.reader.rows(sql, vec![number(limit)]).await
    }

    /// Orders of a bank that are to be looked after by now: submitted, given up, or asked about. One
    /// still Submitting then has lost its attempt.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn due(&self, bank: &str, at_us: i64, limit: u32) -> Result<Vec<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE bank = $1 AND next_check_at_us <= $2 \
             ORDER BY next_check_at_us LIMIT $3";
        self.reader.rows(sql, vec![Text(bank.to_owned()), Number(at_us), number(limit)]).await
    }

    /// Orders of each bank whose outcome nobody knows, or whose evidence contradicts itself.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn open_counts(&self) -> Result<Vec<OpenCount>, JournalDown> {
        let sql = "SELECT bank, state, count(*) AS orders, min(changed_at_us) AS oldest_us \
             FROM payment_order WHERE state IN ('unknown', 'conflict') GROUP BY bank, state";
        self.reader.rows(sql, Vec::new()).await
    }

    /// Orders of a bank that should have been looked after before this moment.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn overdue(&self, bank: &str, before_us: i64) -> Result<i64, JournalDown> {
        let sql = "SELECT count(*) AS orders FROM payment_order WHERE bank = $1 \
             AND next_check_at_us < $2";
        let parameters = vec![Text(bank.to_owned()), Number(before_us)];
        let rows: Vec<Orders> = self.reader.rows(sql, parameters).await?;
        Ok(rows.first().map_or(0, |row| row.orders))
    }

    /// Attempts of a node of which nothing was heard; what was written whole is asked about in its time.
    pub(super) async fn attempts_of(
        &self,
        node: &str,
        limit: u32,
    ) -> Result<Vec<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE next_check_at_us IS NOT NULL AND node = $1 \
             AND state = 'submitting' ORDER BY next_check_at_us LIMIT $2";
        self.reader.rows(sql, vec![Text(node.to_owned()), number(limit)]).await
    }

    /// Money that each bank may be about to take.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn exposure(&self) -> Result<Vec<Exposure>, JournalDown> {
        let sql = "SELECT bank, count(*) AS orders, CAST(sum(amount_tiyn) AS BIGINT) AS amount_tiyn \
             FROM payment_order WHERE asset = 'pending' GROUP BY bank ORDER BY bank";
        self.reader.rows(sql, Vec::new()).await
    }

    /// What is open now, for metrics: what each bank may be about to take, by state, and money in
    /// suspense. It reads what is open alone.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn levels(&self) -> Result<Levels, JournalDown> {
        let pending = "SELECT bank, state, count(*) AS orders, \
             CAST(sum(amount_tiyn) AS BIGINT) AS amount_tiyn FROM payment_order \
             WHERE asset = 'pending' GROUP BY bank, state";
        let suspense = "SELECT bank, 'suspense' AS state, count(*) AS orders, \
             CAST(sum(amount_tiyn - returned_tiyn) AS BIGINT) AS amount_tiyn FROM payment_order \
             WHERE claim = 'suspense' AND reverses IS NULL GROUP BY bank";
        Ok(Levels {
            pending: self.reader.rows(pending, Vec::new()).await?,
            suspense: self.reader.rows(suspense, Vec::new()).await?,
        })
    }

    /// Everything that a bank or an operator said of an order, in the order of hearing.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn evidence(&self, order: &Id) -> Result<Vec<Heard>, JournalDown> {
        let sql = "SELECT * FROM order_evidence WHERE order_id = $1 UNION ALL \
             SELECT e.id, j.order_id, e.said, e.source, e.amount_tiyn, e.document_number, \
             e.posted_at_us, e.heard_at_us, e.original_digest, e.note, e.name, e.txn_id, \
             e.redirect_url FROM evidence_joined j JOIN order_evidence e ON e.id = j.id \
             WHERE j.order_id = $1 ORDER BY heard_at_us, id";
        self.reader.rows(sql, vec![text(order)]).await
    }

    /// Every change of an order's state, in their order.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn changes(&self, order: &Id) -> Result<Vec<Change>, JournalDown> {
        let sql = "SELECT * FROM order_change WHERE order_id = $1 ORDER BY version";
        self.reader.rows(sql, vec![text(order)]).await
    }

    /// Notices that a participant is to be told by now: of each order the first that it was not told,
    /// so that a later one, also one after a dead letter, waits. Those are due at no time, so that nobody
    /// passes over them; that there is none earlier is asked nevertheless.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn notices_due(
        &self,
        recipient: &str,
        at_us: i64,
        limit: u32,
    ) -> Result<Vec<Notice>, JournalDown> {
        let sql = "SELECT * FROM notice n WHERE recipient = $1 AND next_try_at_us <= $2 \
             AND told_at_us IS NULL AND dead_at_us IS NULL AND NOT EXISTS (SELECT 1 FROM notice e \
             WHERE e.order_id = n.order_id AND e.recipient = n.recipient \
             AND e.order_version < n.order_version AND e.told_at_us IS NULL) \
             ORDER BY next_try_at_us LIMIT $3";
        let parameters = vec![Text(recipient.to_owned()), Number(at_us), number(limit)];
        self.reader.rows(sql, parameters).await
    }

    /// Everything that was to be told of an order, in the order of changes.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn notices(&self, order: &Id) -> Result<Vec<Notice>, JournalDown> {
        let sql =
            "SELECT * FROM notice WHERE id > $1 AND id < $2 ORDER BY order_version, recipient";
        let (from, to) = (format!("{order}/"), format!("{order}0"));
        self.reader.rows(sql, vec![Text(from), Text(to)]).await
    }

    /// Dead letters, oldest first.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<Notice>, JournalDown> {
        let sql = "SELECT * FROM notice WHERE dead_at_us IS NOT NULL ORDER BY dead_at_us LIMIT $1";
        self.reader.rows(sql, vec![number(limit)]).await
    }

    /// Notices that wait to be told, and dead letters, by participant.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn notice_counts(&self) -> Result<Vec<NoticeCount>, JournalDown> {
        self.reader.rows(NOTICE_COUNTS, Vec::new()).await
    }

    /// What a closed operating day holds; `None` while it is open.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn closing(
        &self,
        bank: &str,
        day: OperatingDay,
    ) -> Result<Option<Closing>, JournalDown> {
        let sql = "SELECT * FROM closing WHERE id = $1";
        Ok(self.reader.rows(sql, vec![Text(format!("{bank}/{}", day.0))]).await?.pop())
    }

    /// Orders of an operating day, by id after the one given.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn orders_of(
        &self,
        (bank, day): (&str, OperatingDay),
        after: &str,
        limit: u32,
    ) -> Result<Vec<Order>, JournalDown> {
        let sql = "SELECT * FROM payment_order WHERE bank = $1 AND operating_day = $2 AND id > $3 \
             ORDER BY id LIMIT $4";
        let after = Text(after.to_owned());
        let day = Number(i64::from(day.0));
        self.reader.rows(sql, vec![Text(bank.to_owned()), day, after, number(limit)]).await
    }

    /// The balance of every account, debits less credits; a report, since it reads the whole ledger.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn balances(&self) -> Result<Vec<Balance>, JournalDown> {
        let sql = "SELECT account, CAST(sum(amount_tiyn) AS BIGINT) AS balance_tiyn FROM \
             (SELECT debit AS account, amount_tiyn FROM transfer UNION ALL \
             SELECT credit, -amount_tiyn FROM transfer) AS side GROUP BY account ORDER BY account";
        self.reader.rows(sql, Vec::new()).await
    }

    /// The transfers of one order, as they were made.
    ///
    /// # Errors
    /// See [`Payments::order`].
    pub async fn transfers(&self, order: &Id) -> Result<Vec<Transfer>, JournalDown> {
        let sql = "SELECT * FROM transfer WHERE id > $1 AND id < $2 ORDER BY moved_at_us, id";
        let (from, to) = (format!("{order}/"), format!("{order}0"));
        self.reader.rows(sql, vec![Text(from), Text(to)]).await
    }
}

/// A count of orders.
#[derive(serde::Deserialize)]
struct Orders {
    orders: i64,
}

fn text(id: &Id) -> super::store::Parameter {
    Text(id.text().to_owned())
}

fn number(limit: u32) -> super::store::Parameter {
    Number(i64::from(limit))
}
