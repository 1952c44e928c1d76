
-- migration 6: what was known when a day was closed

-- Since when an order has its receipt number, and the bank's own id; NULL: it has none, or is older than this.
ALTER TABLE payment_order ADD COLUMN document_at_us INTEGER;
ALTER TABLE payment_order ADD COLUMN txn_at_us INTEGER;

-- What an export tells beside the state; NULL: an earlier change, and older than this. No step changes without its state, so
-- that of an order is that of its last change.
ALTER TABLE order_change ADD COLUMN step TEXT;
DROP TRIGGER order_change_stays;
UPDATE order_change SET step = (SELECT o.step FROM payment_order o WHERE o.id = order_change.order_id)
    WHERE id IN (SELECT order_id || '/' || max(version) FROM order_change GROUP BY order_id);
CREATE TRIGGER order_change_stays BEFORE UPDATE ON order_change
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;

-- The last closing: what changes a closed day's orders is dated later, whatever a node's clock says.
ALTER TABLE bank_window ADD COLUMN closed_at_us INTEGER;
UPDATE bank_window SET closed_at_us = (SELECT max(c.closed_at_us) FROM closing c WHERE c.bank = bank_window.id);

-- What is to be told is counted again and again, dead letters too: by this alone.
CREATE INDEX notice_counted ON notice (recipient, dead_at_us, changed_at_us, told_at_us) WHERE told_at_us IS NULL;
