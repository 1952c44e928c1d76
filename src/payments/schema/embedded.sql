-- Payments in SQLite. Times are Unix microseconds, operating days are days since 1970, amounts are
-- whole tiyn, flags are 0 or 1. Sections are migrations: never change one that was released, add the
-- next number.

-- migration 1: charges, orders, ledger, operating days

-- What somebody is to pay. Only its annulment ever changes it.
CREATE TABLE charge (
    id               TEXT NOT NULL PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,         -- agency/number
    agency           TEXT NOT NULL,
    number           TEXT NOT NULL,
    payer            TEXT NOT NULL,                -- IIN or BIN
    payee            TEXT NOT NULL,                -- BIN
    kbk              TEXT NOT NULL,
    knp              TEXT NOT NULL,
    kbe              TEXT NOT NULL,
    iban             TEXT NOT NULL,
    amount_tiyn      INTEGER NOT NULL CHECK (amount_tiyn > 0),
    purpose_kk       TEXT NOT NULL,
    purpose_ru       TEXT NOT NULL,
    purpose_en       TEXT NOT NULL,
    due_day          INTEGER,
    registered_at_us INTEGER NOT NULL,
    annulled_at_us   INTEGER,
    version          INTEGER NOT NULL
) STRICT;

CREATE INDEX charge_payer ON charge (payer, id) WHERE annulled_at_us IS NULL;

-- A payment, or with `reverses` a refund. `state`, `asset` and `claim` follow from step, evidence and
-- ruling by the table in order.rs.
CREATE TABLE payment_order (
    id               TEXT NOT NULL PRIMARY KEY,
    reverses         TEXT,
    charge           TEXT,
    bank             TEXT NOT NULL,
    end_to_end_id    TEXT NOT NULL UNIQUE,
    payer            TEXT NOT NULL,
    payee            TEXT NOT NULL,
    kbk              TEXT NOT NULL,
    amount_tiyn      INTEGER NOT NULL CHECK (amount_tiyn > 0),
    step             TEXT NOT NULL,
    rank             TEXT NOT NULL,
    is_rejected      INTEGER NOT NULL CHECK (is_rejected IN (0, 1)),
    is_disputed      INTEGER NOT NULL CHECK (is_disputed IN (0, 1)),
    ruling           TEXT,
    state            TEXT NOT NULL CHECK (state IN ('reserved', 'submitting', 'submitted', 'unknown',
        'accepted', 'posted', 'settled', 'rejected', 'cancelled', 'expired', 'conflict')),
    asset            TEXT CHECK (asset IN ('pending', 'receivable', 'treasury')),
    claim            TEXT CHECK (claim IN ('expected', 'payable', 'suspense')),
    holds     INTEGER NOT NULL CHECK (holds IN (0, 1)),
    version          INTEGER NOT NULL,
    node             TEXT NOT NULL,                -- that made the last attempt
    attempt          INTEGER NOT NULL,
    attempted_at_us  INTEGER,
    opened_at_us     INTEGER NOT NULL,
    changed_at_us    INTEGER NOT NULL,             -- since when it has this state
    deadline_us      INTEGER NOT NULL,
    inquiries        INTEGER NOT NULL,
    not_found        INTEGER NOT NULL,             -- in a row
    next_check_at_us INTEGER,
    posted_at_us     INTEGER,
    operating_day    INTEGER,
    document_number  TEXT,
    document_key     TEXT UNIQUE,                  -- bank/operating day/document number
    txn_id           TEXT,
    txn_key          TEXT UNIQUE,                  -- bank/txn_id
    returned_tiyn    INTEGER NOT NULL CHECK (returned_tiyn BETWEEN 0 AND amount_tiyn),
    source           TEXT,                         -- the account that a refund takes from
    reason           TEXT NOT NULL,
    agency           TEXT NOT NULL,                -- whose charge it is
    opened_by        TEXT NOT NULL,                -- the participant that asked; '' of money that a bank took itself
    redirect_url     TEXT,                         -- where the payer has to go on
    CHECK ((asset IS NULL) = (claim IS NULL)),
    CHECK ((operating_day IS NULL) = (posted_at_us IS NULL)),
    CHECK (operating_day IS NOT NULL OR asset IS NULL OR asset = 'pending'),
    CHECK (document_key IS NULL OR document_key = bank || '/' || operating_day || '/' || document_number),
    CHECK (txn_key IS NULL OR txn_key = bank || '/' || txn_id),
    CHECK (holds = 0 OR charge IS NOT NULL OR reverses IS NOT NULL),
    CHECK ((reverses IS NULL) = (source IS NULL)),
    CHECK (reverses IS NULL OR charge IS NULL)
) STRICT;

CREATE UNIQUE INDEX payment_order_charge ON payment_order (charge) WHERE holds = 1;
CREATE INDEX payment_order_aside ON payment_order (charge) WHERE holds = 0 AND charge IS NOT NULL;
CREATE INDEX payment_order_reverses ON payment_order (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX payment_order_check ON payment_order (bank, next_check_at_us) WHERE next_check_at_us IS NOT NULL;
CREATE INDEX payment_order_pending ON payment_order (bank, amount_tiyn) WHERE asset = 'pending';
CREATE INDEX payment_order_suspense ON payment_order (bank, amount_tiyn, returned_tiyn) WHERE claim = 'suspense';
CREATE INDEX payment_order_open ON payment_order (changed_at_us) WHERE state IN ('unknown', 'conflict');
CREATE INDEX payment_order_suspended ON payment_order (changed_at_us) WHERE claim = 'suspense';
CREATE INDEX payment_order_day ON payment_order (bank, operating_day) WHERE operating_day IS NOT NULL;

-- Evidence: whatever a bank or an operator said, each word once.
CREATE TABLE order_evidence (
    id               TEXT NOT NULL PRIMARY KEY,    -- bank/event_id
    order_id         TEXT,                         -- NULL: of no order that we know
    said             TEXT NOT NULL,
    source           TEXT NOT NULL,
    amount_tiyn      INTEGER,
    document_number  TEXT,
    posted_at_us     INTEGER,
    heard_at_us      INTEGER NOT NULL,
    original_digest  TEXT NOT NULL,                -- SHA-256 of the message as it came
    note             TEXT NOT NULL
) STRICT;

CREATE INDEX order_evidence_order ON order_evidence (order_id);

-- Double entry: a row moves money from the credited to the debited account, so all rows sum to zero.
CREATE TABLE transfer (
    id               TEXT NOT NULL PRIMARY KEY,    -- order/version/number
    order_id         TEXT NOT NULL,
    debit            TEXT NOT NULL,
    credit           TEXT NOT NULL,
    amount_tiyn      INTEGER NOT NULL CHECK (amount_tiyn > 0),
    operating_day    INTEGER,
    moved_at_us      INTEGER NOT NULL,
    CHECK (debit <> credit)
) STRICT;

-- Every change of a state, in the order of versions; written with the change itself.
CREATE TABLE order_change (
    id               TEXT NOT NULL PRIMARY KEY,    -- order/version
    order_id         TEXT NOT NULL,
    version          INTEGER NOT NULL,
    state            TEXT NOT NULL,
    cause            TEXT NOT NULL,
    changed_at_us    INTEGER NOT NULL
) STRICT;

CREATE INDEX order_change_order ON order_change (order_id, version);

-- What one participant is to be told of one change; written with the change itself.
CREATE TABLE notice (
    id               TEXT NOT NULL PRIMARY KEY,    -- order/order version/recipient
    order_id         TEXT NOT NULL,
    order_version    INTEGER NOT NULL,
    recipient        TEXT NOT NULL,
    state            TEXT NOT NULL,
    claim            TEXT CHECK (claim IN ('expected', 'payable', 'suspense')),
    cause            TEXT NOT NULL,
    changed_at_us    INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    attempts         INTEGER NOT NULL,
    next_try_at_us   INTEGER NOT NULL,
    told_at_us       INTEGER,
    dead_at_us       INTEGER,                      -- given up; an operator may send it again
    CHECK (told_at_us IS NULL OR dead_at_us IS NULL)
) STRICT;

CREATE INDEX notice_due ON notice (recipient, next_try_at_us) WHERE told_at_us IS NULL AND dead_at_us IS NULL;
CREATE INDEX notice_untold ON notice (order_id, recipient, order_version) WHERE told_at_us IS NULL;
CREATE INDEX notice_dead ON notice (dead_at_us) WHERE dead_at_us IS NOT NULL;

-- The last operating day of each bank that is closed.
CREATE TABLE bank_window (
    id               TEXT NOT NULL PRIMARY KEY,
    closed_through   INTEGER,
    version          INTEGER NOT NULL
) STRICT;

-- What a closed day holds, for ever.
CREATE TABLE closing (
    id               TEXT NOT NULL PRIMARY KEY,    -- bank/operating day
    bank             TEXT NOT NULL,
    operating_day    INTEGER NOT NULL,
    orders           INTEGER NOT NULL,
    paid_tiyn        INTEGER NOT NULL,
    returned_tiyn    INTEGER NOT NULL,
    closed_at_us     INTEGER NOT NULL
) STRICT;

-- Which call a payment is the proof for: one, unless that came to nothing and gave it back.
CREATE TABLE redemption (
    id               TEXT NOT NULL PRIMARY KEY,    -- the order
    call             TEXT,                         -- NULL: given back
    participant      TEXT NOT NULL,
    service          TEXT NOT NULL,
    redeemed_at_us   INTEGER NOT NULL,
    version          INTEGER NOT NULL
);

-- Not evidence: answers given, so that the same request is answered by the same bytes.
CREATE TABLE request_key (
    id               TEXT NOT NULL PRIMARY KEY,    -- owner/key
    digest           TEXT NOT NULL,
    answer           TEXT NOT NULL,                -- base64
    answered_at_us   INTEGER NOT NULL
) STRICT;

CREATE INDEX request_key_age ON request_key (answered_at_us);

-- A closed day takes no posting, and a day once fixed stays.
CREATE TRIGGER payment_order_day_closed BEFORE INSERT ON payment_order
    WHEN NEW.operating_day <= (SELECT closed_through FROM bank_window WHERE id = NEW.bank)
    BEGIN SELECT RAISE(ABORT, 'the operating day is closed'); END;
CREATE TRIGGER payment_order_day_fixed BEFORE UPDATE ON payment_order
    WHEN OLD.operating_day IS NOT NEW.operating_day AND (OLD.operating_day IS NOT NULL
        OR NEW.operating_day <= (SELECT closed_through FROM bank_window WHERE id = NEW.bank))
    BEGIN SELECT RAISE(ABORT, 'the operating day is closed or fixed'); END;

-- Versions grow; a final state is left by a contradiction alone; money keeps its amount and its sides.
CREATE TRIGGER payment_order_forward BEFORE UPDATE ON payment_order
    WHEN NEW.version <= OLD.version OR NEW.amount_tiyn <> OLD.amount_tiyn OR NEW.bank <> OLD.bank
        OR NEW.holds > OLD.holds
        OR (OLD.state IN ('settled', 'rejected', 'cancelled', 'expired')
            AND NEW.state NOT IN (OLD.state, 'conflict'))
    BEGIN SELECT RAISE(ABORT, 'an order only goes forward'); END;
CREATE TRIGGER payment_order_remains BEFORE DELETE ON payment_order
    BEGIN SELECT RAISE(ABORT, 'orders are never deleted'); END;

-- What was told stays told.
CREATE TRIGGER notice_told BEFORE UPDATE ON notice
    WHEN NEW.version <= OLD.version OR OLD.told_at_us IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a notice that was told stays told'); END;

-- Evidence, changes, ledger and closings are only ever added to.
CREATE TRIGGER order_change_stays BEFORE UPDATE ON order_change
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER order_change_remains BEFORE DELETE ON order_change
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER order_evidence_stays BEFORE UPDATE ON order_evidence
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER order_evidence_remains BEFORE DELETE ON order_evidence
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER transfer_stays BEFORE UPDATE ON transfer
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER transfer_remains BEFORE DELETE ON transfer
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER closing_stays BEFORE UPDATE ON closing
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER closing_remains BEFORE DELETE ON closing
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;

-- Only confirmed money is a proof, for one call; what is one does not go back.
CREATE TRIGGER redemption_unpaid BEFORE INSERT ON redemption
    WHEN NOT EXISTS (SELECT 1 FROM payment_order WHERE id = NEW.id AND reverses IS NULL
        AND state IN ('posted', 'settled') AND claim = 'payable' AND returned_tiyn = 0)
    BEGIN SELECT RAISE(ABORT, 'only a confirmed payment is a proof'); END;
CREATE TRIGGER redemption_again BEFORE UPDATE ON redemption
    WHEN NEW.version <= OLD.version OR (OLD.call IS NOT NULL AND NEW.call IS NOT NULL)
        OR (NEW.call IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payment_order WHERE id = NEW.id
        AND state IN ('posted', 'settled') AND claim = 'payable' AND returned_tiyn = 0))
    BEGIN SELECT RAISE(ABORT, 'a proof is used once'); END;
CREATE TRIGGER redemption_remains BEFORE DELETE ON redemption
    BEGIN SELECT RAISE(ABORT, 'payments are append only'); END;
CREATE TRIGGER payment_order_used BEFORE UPDATE ON payment_order
    WHEN NEW.returned_tiyn > OLD.returned_tiyn AND EXISTS
        (SELECT 1 FROM redemption WHERE id = NEW.id AND call IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'a proof that was used does not go back'); END;
