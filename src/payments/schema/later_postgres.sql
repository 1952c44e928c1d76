
-- migration 3: words of orders that nobody knew yet

-- Where no order was known: the name that the word spoke of, and what else it said.
ALTER TABLE order_evidence ADD COLUMN name TEXT;
ALTER TABLE order_evidence ADD COLUMN txn_id TEXT;
ALTER TABLE order_evidence ADD COLUMN redirect_url TEXT;
CREATE INDEX order_evidence_early ON order_evidence (name) WHERE name IS NOT NULL;

-- Such a word has found its order: once.
CREATE TABLE evidence_joined (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- the word
    order_id         TEXT COLLATE "C" NOT NULL,
    joined_at_us     BIGINT NOT NULL
);

CREATE INDEX evidence_joined_order ON evidence_joined (order_id);

CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON evidence_joined
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();

-- migration 4: what a charge is for

-- The fee or duty that it was registered for; NULL: an amount was named, or it is older than this.
ALTER TABLE charge ADD COLUMN tariff TEXT;
