-- Payments in PostgreSQL: the same tables as in embedded.sql, in the schema `qaqpa`. Times are Unix microseconds, operating days are days since 1970, amounts are
-- whole tiyn, flags are 0 or 1. Sections are migrations: never change one that was released, add the
-- next number.

-- migration 1: charges, orders, ledger, operating days

-- What somebody is to pay. Only its annulment ever changes it.
CREATE TABLE charge (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,         -- agency/number
    agency           TEXT NOT NULL,
    number           TEXT NOT NULL,
    payer            TEXT NOT NULL,                -- IIN or BIN
    payee            TEXT NOT NULL,                -- BIN
    kbk              TEXT NOT NULL,
    knp              TEXT NOT NULL,
    kbe              TEXT NOT NULL,
    iban             TEXT NOT NULL,
    amount_tiyn      BIGINT NOT NULL CHECK (amount_tiyn > 0),
    purpose_kk       TEXT NOT NULL,
    purpose_ru       TEXT NOT NULL,
    purpose_en       TEXT NOT NULL,
    due_day          BIGINT,
    registered_at_us BIGINT NOT NULL,
    annulled_at_us   BIGINT,
    version          BIGINT NOT NULL
);

CREATE INDEX charge_payer ON charge (payer, id) WHERE annulled_at_us IS NULL;

-- A payment, or with `reverses` a refund. `state`, `asset` and `claim` follow from step, evidence and
-- ruling by the table in order.rs.
CREATE TABLE payment_order (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    reverses         TEXT,
    charge           TEXT,
    bank             TEXT NOT NULL,
    end_to_end_id    TEXT NOT NULL UNIQUE,
    payer            TEXT NOT NULL,
    payee            TEXT NOT NULL,
    kbk              TEXT NOT NULL,
    amount_tiyn      BIGINT NOT NULL CHECK (amount_tiyn > 0),
    step             TEXT NOT NULL,
    rank             TEXT NOT NULL,
    is_rejected      BIGINT NOT NULL CHECK (is_rejected IN (0, 1)),
    is_disputed      BIGINT NOT NULL CHECK (is_disputed IN (0, 1)),
    ruling           TEXT,
    state            TEXT NOT NULL CHECK (state IN ('reserved', 'submitting', 'submitted', 'unknown',
        'accepted', 'posted', 'settled', 'rejected', 'cancelled', 'expired', 'conflict')),
    asset            TEXT CHECK (asset IN ('pending', 'receivable', 'treasury')),
    claim            TEXT CHECK (claim IN ('expected', 'payable', 'suspense')),
    holds     BIGINT NOT NULL CHECK (holds IN (0, 1)),
    version          BIGINT NOT NULL,
    node             TEXT NOT NULL,                -- that made the last attempt
    attempt          BIGINT NOT NULL,
    attempted_at_us  BIGINT,
    opened_at_us     BIGINT NOT NULL,
    changed_at_us    BIGINT NOT NULL,             -- since when it has this state
    deadline_us      BIGINT NOT NULL,
    inquiries        BIGINT NOT NULL,
    not_found        BIGINT NOT NULL,             -- in a row
    next_check_at_us BIGINT,
    posted_at_us     BIGINT,
    operating_day    BIGINT,
    document_number  TEXT,
    document_key     TEXT UNIQUE,                  -- bank/operating day/document number
    txn_id           TEXT,
    txn_key          TEXT UNIQUE,                  -- bank/txn_id
    returned_tiyn    BIGINT NOT NULL CHECK (returned_tiyn BETWEEN 0 AND amount_tiyn),
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
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02); -- every row changes, soon

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
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- bank/event_id
    order_id         TEXT,                         -- NULL: of no order that we know
    said             TEXT NOT NULL,
    source           TEXT NOT NULL,
    amount_tiyn      BIGINT,
    document_number  TEXT,
    posted_at_us     BIGINT,
    heard_at_us      BIGINT NOT NULL,
    original_digest  TEXT NOT NULL,                -- SHA-256 of the message as it came
    note             TEXT NOT NULL
);

CREATE INDEX order_evidence_order ON order_evidence (order_id);

-- Double entry: a row moves money from the credited to the debited account, so all rows sum to zero.
CREATE TABLE transfer (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- order/version/number
    order_id         TEXT NOT NULL,
    debit            TEXT NOT NULL,
    credit           TEXT NOT NULL,
    amount_tiyn      BIGINT NOT NULL CHECK (amount_tiyn > 0),
    operating_day    BIGINT,
    moved_at_us      BIGINT NOT NULL,
    CHECK (debit <> credit)
);

-- Every change of a state, in the order of versions; written with the change itself.
CREATE TABLE order_change (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- order/version
    order_id         TEXT NOT NULL,
    version          BIGINT NOT NULL,
    state            TEXT NOT NULL,
    cause            TEXT NOT NULL,
    changed_at_us    BIGINT NOT NULL
);

CREATE INDEX order_change_order ON order_change (order_id, version);

-- What one participant is to be told of one change; written with the change itself.
CREATE TABLE notice (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- order/order version/recipient
    order_id         TEXT NOT NULL,
    order_version    BIGINT NOT NULL,
    recipient        TEXT NOT NULL,
    state            TEXT NOT NULL,
    claim            TEXT CHECK (claim IN ('expected', 'payable', 'suspense')),
    cause            TEXT NOT NULL,
    changed_at_us    BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    attempts         BIGINT NOT NULL,
    next_try_at_us   BIGINT NOT NULL,
    told_at_us       BIGINT,
    dead_at_us       BIGINT,                      -- given up; an operator may send it again
    CHECK (told_at_us IS NULL OR dead_at_us IS NULL)
);

CREATE INDEX notice_due ON notice (recipient, next_try_at_us) WHERE told_at_us IS NULL AND dead_at_us IS NULL;
CREATE INDEX notice_untold ON notice (order_id, recipient, order_version) WHERE told_at_us IS NULL;
CREATE INDEX notice_dead ON notice (dead_at_us) WHERE dead_at_us IS NOT NULL;

-- The last operating day of each bank that is closed.
CREATE TABLE bank_window (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    closed_through   BIGINT,
    version          BIGINT NOT NULL
);

-- What a closed day holds, for ever.
CREATE TABLE closing (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- bank/operating day
    bank             TEXT NOT NULL,
    operating_day    BIGINT NOT NULL,
    orders           BIGINT NOT NULL,
    paid_tiyn        BIGINT NOT NULL,
    returned_tiyn    BIGINT NOT NULL,
    closed_at_us     BIGINT NOT NULL
);

-- Which call a payment is the proof for: one, unless that came to nothing and gave it back.
CREATE TABLE redemption (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- the order
    call             TEXT,                         -- NULL: given back
    participant      TEXT NOT NULL,
    service          TEXT NOT NULL,
    redeemed_at_us   BIGINT NOT NULL,
    version          BIGINT NOT NULL
);

-- Not evidence: answers given, so that the same request is answered by the same bytes.
CREATE TABLE request_key (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- owner/key
    digest           TEXT NOT NULL,
    answer           TEXT NOT NULL,                -- base64
    answered_at_us   BIGINT NOT NULL
);

CREATE INDEX request_key_age ON request_key (answered_at_us);

-- A closed day takes no posting, and a day once fixed stays. The lock lets a closing wait for postings
-- under way, and postings for it.
CREATE FUNCTION refuse_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed BIGINT;
BEGIN
    SELECT closed_through INTO closed FROM bank_window WHERE id = NEW.bank FOR SHARE;
    IF NEW.operating_day <= closed THEN
        RAISE EXCEPTION 'the operating day is closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_closed BEFORE INSERT ON payment_order
    FOR EACH ROW WHEN (NEW.operating_day IS NOT NULL) EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER day_posted BEFORE UPDATE ON payment_order
    FOR EACH ROW WHEN (OLD.operating_day IS NULL AND NEW.operating_day IS NOT NULL)
    EXECUTE FUNCTION refuse_closed_day();

-- Versions grow; a final state is left by a contradiction alone; money keeps its amount and its sides.
CREATE FUNCTION refuse_backward() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'an order only goes forward' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER forward BEFORE UPDATE ON payment_order FOR EACH ROW
    WHEN (NEW.version <= OLD.version OR NEW.amount_tiyn <> OLD.amount_tiyn OR NEW.bank <> OLD.bank
        OR NEW.holds > OLD.holds
        OR (OLD.operating_day IS NOT NULL AND NEW.operating_day IS DISTINCT FROM OLD.operating_day)
        OR (OLD.state IN ('settled', 'rejected', 'cancelled', 'expired')
            AND NEW.state NOT IN (OLD.state, 'conflict')))
    EXECUTE FUNCTION refuse_backward();

-- What was told stays told.
CREATE FUNCTION refuse_untelling() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'a notice that was told stays told' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER told BEFORE UPDATE ON notice FOR EACH ROW
    WHEN (NEW.version <= OLD.version OR OLD.told_at_us IS NOT NULL)
    EXECUTE FUNCTION refuse_untelling();

-- Evidence, changes, ledger and closings are only ever added to; orders are never deleted.
CREATE FUNCTION refuse_payment_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'payments are append only' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER remains BEFORE DELETE ON payment_order
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON order_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON order_change
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON transfer
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON closing
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();

-- Only confirmed money is a proof, for one call; what is one does not go back. The lock lets a use wait
-- for a refund under way, and a refund for it.
CREATE FUNCTION refuse_unpaid_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM payment_order WHERE id = NEW.id AND reverses IS NULL
        AND state IN ('posted', 'settled') AND claim = 'payable' AND returned_tiyn = 0 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only a confirmed payment is a proof' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER unpaid BEFORE INSERT ON redemption
    FOR EACH ROW EXECUTE FUNCTION refuse_unpaid_proof();
CREATE TRIGGER unpaid_again BEFORE UPDATE ON redemption
    FOR EACH ROW WHEN (NEW.call IS NOT NULL) EXECUTE FUNCTION refuse_unpaid_proof();
CREATE TRIGGER again BEFORE UPDATE ON redemption FOR EACH ROW
    WHEN (NEW.version <= OLD.version OR (OLD.call IS NOT NULL AND NEW.call IS NOT NULL))
    EXECUTE FUNCTION refuse_backward();
CREATE TRIGGER remains BEFORE DELETE ON redemption
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE FUNCTION refuse_return_of_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM redemption WHERE id = NEW.id AND call IS NOT NULL) THEN
        RAISE EXCEPTION 'a proof that was used does not go back' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER used BEFORE UPDATE ON payment_order
    FOR EACH ROW WHEN (NEW.returned_tiyn > OLD.returned_tiyn) EXECUTE FUNCTION refuse_return_of_proof();

-- What deploy/postgres/roles.sql promises of the tables that are not append only.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        GRANT UPDATE ON charge, payment_order, notice, bank_window, redemption TO qaqpa_app;
        GRANT DELETE ON request_key TO qaqpa_app;
        REVOKE INSERT ON payments_version FROM qaqpa_app;
    END IF;
END $$;
