
-- migration 3: words of orders that nobody knew yet

-- Where no order was known: the name that the word spoke of, and what else it said.
ALTER TABLE order_evidence ADD COLUMN name TEXT;
ALTER TABLE order_evidence ADD COLUMN txn_id TEXT;
ALTER TABLE order_evidence ADD COLUMN redirect_url TEXT;
CREATE INDEX order_evidence_early ON order_evidence (name) WHERE name IS NOT NULL;

-- Such a word has found its order: once.
CREATE TABLE evidence_joined (
    id               TEXT NOT NULL PRIMARY KEY,    -- the word
    order_id         TEXT NOT NULL,
    joined_at_us     INTEGER NOT NULL
) STRICT;

CREATE INDEX evidence_joined_order ON evidence_joined (order_id);

CREATE TRIGGER evidence_joined_stays BEFORE UPDATE ON evidence_joined
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER evidence_joined_remains BEFORE DELETE ON evidence_joined
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;

-- migration 4: what a charge is for

-- The fee or duty that it was registered for; NULL: an amount was named, or it is older than this.
ALTER TABLE charge ADD COLUMN tariff TEXT;
