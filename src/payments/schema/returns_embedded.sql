
-- migration 5: returns, and money that an operator led to another charge

-- The payment whose money an operator led to this one's charge: once, for that is all of it.
ALTER TABLE payment_order ADD COLUMN takes TEXT CHECK (takes IS NULL OR (charge IS NOT NULL AND step = 'applied'));
CREATE UNIQUE INDEX payment_order_takes ON payment_order (takes) WHERE takes IS NOT NULL;

-- Versions grow; a final state is left by a contradiction alone; money keeps its amount and its sides. What
-- was let go is taken again by an operator's ruling, and by a refund or a return whose money went out.
DROP TRIGGER payment_order_forward;
CREATE TRIGGER payment_order_forward BEFORE UPDATE ON payment_order
    WHEN NEW.version <= OLD.version OR NEW.amount_tiyn <> OLD.amount_tiyn OR NEW.bank <> OLD.bank
        OR NEW.reverses IS NOT OLD.reverses OR NEW.takes IS NOT OLD.takes
        OR (NEW.holds > OLD.holds AND NEW.reverses IS NULL AND NEW.ruling IS NOT 'posted')
        OR (OLD.state IN ('settled', 'rejected', 'cancelled', 'expired')
            AND NEW.state NOT IN (OLD.state, 'conflict'))
    BEGIN SELECT RAISE(ABORT, 'an order only goes forward'); END;
