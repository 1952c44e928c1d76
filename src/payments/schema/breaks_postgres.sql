
-- migration 2: reconciliation

-- A file of a bank; its content is its identity, so that a second upload is no second file.
CREATE TABLE register_file (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- bank/SHA-256
    bank             TEXT NOT NULL,
    sha256           TEXT NOT NULL,
    bytes            BIGINT NOT NULL,
    name             TEXT NOT NULL,                -- as its sender calls it
    source           TEXT NOT NULL CHECK (source IN ('command', 'upload', 'folder')),
    sender           TEXT NOT NULL,                -- the participant, or the operator
    run              TEXT NOT NULL,
    received_at_us   BIGINT NOT NULL
);

-- One reconciliation of a bank's operating day.
CREATE TABLE reconcile_run (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    bank             TEXT NOT NULL,
    operating_day    BIGINT,                       -- NULL until its register was looked at
    state            TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'refused')),
    node             TEXT NOT NULL,                -- that runs it, or did last
    attempts         BIGINT NOT NULL,
    lease_until_us   BIGINT,                       -- until when nobody else runs it
    received_at_us   BIGINT NOT NULL,
    changed_at_us    BIGINT NOT NULL,
    reason           TEXT NOT NULL,                -- why it was refused, and the cure
    journal_rows     BIGINT NOT NULL,
    register_rows    BIGINT NOT NULL,
    matched          BIGINT NOT NULL,
    breaks           BIGINT NOT NULL,
    manifest         TEXT NOT NULL,                -- JSON; '' until it is done
    version          BIGINT NOT NULL,
    CHECK ((state = 'running') = (lease_until_us IS NOT NULL)),
    CHECK (state <> 'done' OR operating_day IS NOT NULL)
);

CREATE INDEX reconcile_run_open ON reconcile_run (received_at_us) WHERE state IN ('waiting', 'running');
CREATE INDEX reconcile_run_bank ON reconcile_run (bank, changed_at_us);

-- A difference between the two sides, from its first run to its end. Nobody ends one alone.
CREATE TABLE break_item (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- as in the reports
    bank             TEXT NOT NULL,
    category         TEXT NOT NULL CHECK (category IN ('MISSING_IN_BANK', 'MISSING_IN_GATEWAY',
        'AMOUNT_MISMATCH', 'STATUS_MISMATCH', 'DUPLICATE_IN_BANK', 'DUPLICATE_IN_GATEWAY',
        'DOUBLE_PAID_CHARGE', 'REQUISITE_MISMATCH', 'LATE_CUTOFF', 'LATE_CREDIT', 'RETURN_UNLINKED',
        'FILE_INTEGRITY')),
    side             TEXT NOT NULL CHECK (side IN ('journal', 'register')),
    item             TEXT NOT NULL,                -- the payment's id at both sides, or its receipt
    since_day        BIGINT NOT NULL,
    seen_day         BIGINT NOT NULL,              -- of the last run that found it
    seen_run         TEXT NOT NULL,
    amount_tiyn      BIGINT NOT NULL CHECK (amount_tiyn >= 0),
    difference_tiyn  BIGINT NOT NULL,              -- the register's money less the journal's
    acts             TEXT NOT NULL,
    owner            TEXT NOT NULL,
    rule             TEXT NOT NULL,
    why              TEXT NOT NULL,
    candidates       TEXT NOT NULL,
    journal_row      TEXT,                         -- in the neutral form
    register_row     TEXT,
    state            TEXT NOT NULL CHECK (state IN ('open', 'assigned', 'explained', 'proposed',
        'adjusted', 'written_off', 'closed')),
    resolution       TEXT CHECK (resolution IN ('adjust', 'write_off', 'close')),
    debit            TEXT,
    credit           TEXT,
    adjusted_tiyn    BIGINT,
    proposed_by      TEXT,
    approved_by      TEXT,
    found_at_us      BIGINT NOT NULL,
    changed_at_us    BIGINT NOT NULL,
    ended_day        BIGINT,
    ended_run        TEXT,                         -- the run whose evidence ended it
    version          BIGINT NOT NULL,
    CHECK ((ended_day IS NOT NULL) = (state IN ('adjusted', 'written_off', 'closed'))),
    CHECK (approved_by IS NULL OR (proposed_by IS NOT NULL AND approved_by <> proposed_by)),
    CHECK (state NOT IN ('adjusted', 'written_off') OR approved_by IS NOT NULL),
    CHECK (state <> 'closed' OR approved_by IS NOT NULL OR ended_run IS NOT NULL),
    CHECK (state <> 'proposed' OR (resolution IS NOT NULL AND proposed_by IS NOT NULL)),
    CHECK ((resolution IS NOT NULL AND resolution = 'adjust') = (adjusted_tiyn IS NOT NULL)),
    CHECK ((adjusted_tiyn IS NULL) = (debit IS NULL) AND (adjusted_tiyn IS NULL) = (credit IS NULL)),
    CHECK (adjusted_tiyn IS NULL OR (adjusted_tiyn > 0 AND debit <> credit))
);

CREATE INDEX break_item_open ON break_item (bank, since_day) WHERE ended_day IS NULL;
CREATE INDEX break_item_day ON break_item (bank, since_day, id);

-- What was done with a break, by whom; written with the change itself.
CREATE TABLE break_step (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,    -- break/version
    break_id         TEXT NOT NULL,
    version          BIGINT NOT NULL,
    step             TEXT NOT NULL CHECK (step IN ('found', 'reopened', 'assigned', 'explained',
        'proposed', 'adjusted', 'written_off', 'closed')),
    operator         TEXT NOT NULL,                -- '' of a run
    note             TEXT NOT NULL,
    entry            TEXT NOT NULL,                -- the journal's entry; '' of a run, which has its own
    at_us            BIGINT NOT NULL
);

CREATE INDEX break_step_break ON break_step (break_id, version);

CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON register_file
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON break_step
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER remains BEFORE DELETE ON break_item
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER remains BEFORE DELETE ON reconcile_run
    FOR EACH ROW EXECUTE FUNCTION refuse_payment_change();

-- Versions grow; what is done is done; a run that was refused stays refused.
CREATE FUNCTION refuse_backward_run() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a run only goes forward' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER forward BEFORE UPDATE ON reconcile_run FOR EACH ROW
    WHEN (NEW.version <= OLD.version OR NEW.bank <> OLD.bank
        OR (OLD.operating_day IS NOT NULL AND NEW.operating_day IS DISTINCT FROM OLD.operating_day)
        OR (OLD.state = 'done' AND NEW.state NOT IN ('done', 'running')))
    EXECUTE FUNCTION refuse_backward_run();

-- A break keeps what it is; two operators end it for ever, evidence until evidence says otherwise; what
-- one proposed, another approves as it was proposed.
CREATE FUNCTION refuse_lone_end() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'two operators end a break' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER forward BEFORE UPDATE ON break_item FOR EACH ROW
    WHEN (NEW.version <= OLD.version OR NEW.bank <> OLD.bank OR NEW.category <> OLD.category
        OR NEW.since_day <> OLD.since_day OR OLD.approved_by IS NOT NULL
        OR (OLD.ended_day IS NOT NULL AND NEW.state NOT IN ('open', 'closed'))
        OR (NEW.approved_by IS NOT NULL AND (OLD.state <> 'proposed'
            OR NEW.proposed_by IS DISTINCT FROM OLD.proposed_by
            OR NEW.resolution IS DISTINCT FROM OLD.resolution
            OR NEW.debit IS DISTINCT FROM OLD.debit OR NEW.credit IS DISTINCT FROM OLD.credit
            OR NEW.adjusted_tiyn IS DISTINCT FROM OLD.adjusted_tiyn)))
    EXECUTE FUNCTION refuse_lone_end();
CREATE TRIGGER born BEFORE INSERT ON break_item FOR EACH ROW
    WHEN (NEW.approved_by IS NOT NULL OR NEW.proposed_by IS NOT NULL)
    EXECUTE FUNCTION refuse_lone_end();

-- No money moves for a break that two operators have not adjusted so.
CREATE FUNCTION refuse_lone_adjustment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM break_item
        WHERE id = NEW.order_id AND NEW.id = 'break/' || id AND state = 'adjusted'
        AND approved_by <> proposed_by AND debit = NEW.debit AND credit = NEW.credit
        AND adjusted_tiyn = NEW.amount_tiyn) THEN
        RAISE EXCEPTION 'two operators adjust' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approved BEFORE INSERT ON transfer
    FOR EACH ROW WHEN (NEW.id LIKE 'break/%') EXECUTE FUNCTION refuse_lone_adjustment();

-- What deploy/postgres/roles.sql promises of the tables that are not append only.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        GRANT UPDATE ON reconcile_run, break_item TO qaqpa_app;
    END IF;
END $$;
