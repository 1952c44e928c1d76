
-- migration 5: returns, and money that an operator led to another charge

-- The payment whose money an operator led to this one's charge: once, for that is all of it.
ALTER TABLE payment_order ADD COLUMN takes TEXT COLLATE "C" CHECK (takes IS NULL OR (charge IS NOT NULL AND step = 'applied'));
CREATE UNIQUE INDEX payment_order_takes ON payment_order (takes) WHERE takes IS NOT NULL;

DROP TRIGGER forward ON payment_order;

-- A key is compared byte by byte, and so is what names it: an index of another collation is of no use for
-- that, and who asked what a payer owes went through all orders.
ALTER TABLE payment_order
    ALTER COLUMN charge TYPE TEXT COLLATE "C",
    ALTER COLUMN reverses TYPE TEXT COLLATE "C";
ALTER TABLE order_evidence ALTER COLUMN order_id TYPE TEXT COLLATE "C";
ALTER TABLE transfer ALTER COLUMN order_id TYPE TEXT COLLATE "C";
ALTER TABLE order_change ALTER COLUMN order_id TYPE TEXT COLLATE "C";
ALTER TABLE notice ALTER COLUMN order_id TYPE TEXT COLLATE "C";
ALTER TABLE break_step ALTER COLUMN break_id TYPE TEXT COLLATE "C";

-- Versions grow; a final state is left by a contradiction alone; money keeps its amount and its sides. What
-- was let go is taken again by an operator's ruling, and by a refund or a return whose money went out.
CREATE TRIGGER forward BEFORE UPDATE ON payment_order FOR EACH ROW
    WHEN (NEW.version <= OLD.version OR NEW.amount_tiyn <> OLD.amount_tiyn OR NEW.bank <> OLD.bank
        OR NEW.reverses IS DISTINCT FROM OLD.reverses OR NEW.takes IS DISTINCT FROM OLD.takes
        OR (NEW.holds > OLD.holds AND NEW.reverses IS NULL AND NEW.ruling IS DISTINCT FROM 'posted')
        OR (OLD.operating_day IS NOT NULL AND NEW.operating_day IS DISTINCT FROM OLD.operating_day)
        OR (OLD.state IN ('settled', 'rejected', 'cancelled', 'expired')
            AND NEW.state NOT IN (OLD.state, 'conflict')))
    EXECUTE FUNCTION refuse_backward();
