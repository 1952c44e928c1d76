
-- migration 2: reconciliation

-- A file of a bank; its content is its identity, so that a second upload is no second file.
CREATE TABLE register_file (
    id               TEXT NOT NULL PRIMARY KEY,    -- bank/SHA-256
    bank             TEXT NOT NULL,
    sha256           TEXT NOT NULL,
    bytes            INTEGER NOT NULL,
    name             TEXT NOT NULL,                -- as its sender calls it
    source           TEXT NOT NULL CHECK (source IN ('command', 'upload', 'folder')),
    sender           TEXT NOT NULL,                -- the participant, or the operator
    run              TEXT NOT NULL,
    received_at_us   INTEGER NOT NULL
) STRICT;

-- One reconciliation of a bank's operating day.
CREATE TABLE reconcile_run (
    id               TEXT NOT NULL PRIMARY KEY,
    bank             TEXT NOT NULL,
    operating_day    INTEGER,                       -- NULL until its register was looked at
    state            TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'refused')),
    node             TEXT NOT NULL,                -- that runs it, or did last
    attempts         INTEGER NOT NULL,
    lease_until_us   INTEGER,                       -- until when nobody else runs it
    received_at_us   INTEGER NOT NULL,
    changed_at_us    INTEGER NOT NULL,
    reason           TEXT NOT NULL,                -- why it was refused, and the cure
    journal_rows     INTEGER NOT NULL,
    register_rows    INTEGER NOT NULL,
    matched          INTEGER NOT NULL,
    breaks           INTEGER NOT NULL,
    manifest         TEXT NOT NULL,                -- JSON; '' until it is done
    version          INTEGER NOT NULL,
    CHECK ((state = 'running') = (lease_until_us IS NOT NULL)),
    CHECK (state <> 'done' OR operating_day IS NOT NULL)
) STRICT;

CREATE INDEX reconcile_run_open ON reconcile_run (received_at_us) WHERE state IN ('waiting', 'running');
CREATE INDEX reconcile_run_bank ON reconcile_run (bank, changed_at_us);

-- A difference between the two sides, from its first run to its end. Nobody ends one alone.
CREATE TABLE break_item (
    id               TEXT NOT NULL PRIMARY KEY,    -- as in the reports
    bank             TEXT NOT NULL,
    category         TEXT NOT NULL CHECK (category IN ('MISSING_IN_BANK', 'MISSING_IN_GATEWAY',
        'AMOUNT_MISMATCH', 'STATUS_MISMATCH', 'DUPLICATE_IN_BANK', 'DUPLICATE_IN_GATEWAY',
        'DOUBLE_PAID_CHARGE', 'REQUISITE_MISMATCH', 'LATE_CUTOFF', 'LATE_CREDIT', 'RETURN_UNLINKED',
        'FILE_INTEGRITY')),
    side             TEXT NOT NULL CHECK (side IN ('journal', 'register')),
    item             TEXT NOT NULL,                -- the payment's id at both sides, or its receipt
    since_day        INTEGER NOT NULL,
    seen_day         INTEGER NOT NULL,              -- of the last run that found it
    seen_run         TEXT NOT NULL,
    amount_tiyn      INTEGER NOT NULL CHECK (amount_tiyn >= 0),
    difference_tiyn  INTEGER NOT NULL,              -- the register's money less the journal's
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
    adjusted_tiyn    INTEGER,
    proposed_by      TEXT,
    approved_by      TEXT,
    found_at_us      INTEGER NOT NULL,
    changed_at_us    INTEGER NOT NULL,
    ended_day        INTEGER,
    ended_run        TEXT,                         -- the run whose evidence ended it
    version          INTEGER NOT NULL,
    CHECK ((ended_day IS NOT NULL) = (state IN ('adjusted', 'written_off', 'closed'))),
    CHECK (approved_by IS NULL OR (proposed_by IS NOT NULL AND approved_by <> proposed_by)),
    CHECK (state NOT IN ('adjusted', 'written_off') OR approved_by IS NOT NULL),
    CHECK (state <> 'closed' OR approved_by IS NOT NULL OR ended_run IS NOT NULL),
    CHECK (state <> 'proposed' OR (resolution IS NOT NULL AND proposed_by IS NOT NULL)),
    CHECK ((resolution IS NOT NULL AND resolution = 'adjust') = (adjusted_tiyn IS NOT NULL)),
    CHECK ((adjusted_tiyn IS NULL) = (debit IS NULL) AND (adjusted_tiyn IS NULL) = (credit IS NULL)),
    CHECK (adjusted_tiyn IS NULL OR (adjusted_tiyn > 0 AND debit <> credit))
) STRICT;

CREATE INDEX break_item_open ON break_item (bank, since_day) WHERE ended_day IS NULL;
CREATE INDEX break_item_day ON break_item (bank, since_day, id);

-- What was done with a break, by whom; written with the change itself.
CREATE TABLE break_step (
    id               TEXT NOT NULL PRIMARY KEY,    -- break/version
    break_id         TEXT NOT NULL,
    version          INTEGER NOT NULL,
    step             TEXT NOT NULL CHECK (step IN ('found', 'reopened', 'assigned', 'explained',
        'proposed', 'adjusted', 'written_off', 'closed')),
    operator         TEXT NOT NULL,                -- '' of a run
    note             TEXT NOT NULL,
    entry            TEXT NOT NULL,                -- the journal's entry; '' of a run, which has its own
    at_us            INTEGER NOT NULL
) STRICT;

CREATE INDEX break_step_break ON break_step (break_id, version);

CREATE TRIGGER register_file_stays BEFORE UPDATE ON register_file
    BEGIN SELECT RAISE(ABORT, 'files are append only'); END;
CREATE TRIGGER register_file_remains BEFORE DELETE ON register_file
    BEGIN SELECT RAISE(ABORT, 'files are append only'); END;
CREATE TRIGGER break_step_stays BEFORE UPDATE ON break_step
    BEGIN SELECT RAISE(ABORT, 'steps are append only'); END;
CREATE TRIGGER break_step_remains BEFORE DELETE ON break_step
    BEGIN SELECT RAISE(ABORT, 'steps are append only'); END;
CREATE TRIGGER break_item_remains BEFORE DELETE ON break_item
    BEGIN SELECT RAISE(ABORT, 'breaks are never deleted'); END;
CREATE TRIGGER reconcile_run_remains BEFORE DELETE ON reconcile_run
    BEGIN SELECT RAISE(ABORT, 'runs are never deleted'); END;

-- Versions grow; what is done is done; a run that was refused stays refused.
CREATE TRIGGER reconcile_run_forward BEFORE UPDATE ON reconcile_run
    WHEN NEW.version <= OLD.version OR NEW.bank <> OLD.bank
        OR (OLD.operating_day IS NOT NULL AND NEW.operating_day IS NOT OLD.operating_day)
        OR (OLD.state = 'done' AND NEW.state NOT IN ('done', 'running'))
    BEGIN SELECT RAISE(ABORT, 'a run only goes forward'); END;

-- A break keeps what it is; two operators end it for ever, evidence until evidence says otherwise; what
-- one proposed, another approves as it was proposed.
CREATE TRIGGER break_item_forward BEFORE UPDATE ON break_item
    WHEN NEW.version <= OLD.version OR NEW.bank <> OLD.bank OR NEW.category <> OLD.category
        OR NEW.since_day <> OLD.since_day OR OLD.approved_by IS NOT NULL
        OR (OLD.ended_day IS NOT NULL AND NEW.state NOT IN ('open', 'closed'))
        OR (NEW.approved_by IS NOT NULL AND (OLD.state <> 'proposed'
            OR NEW.proposed_by IS NOT OLD.proposed_by OR NEW.resolution IS NOT OLD.resolution
            OR NEW.debit IS NOT OLD.debit OR NEW.credit IS NOT OLD.credit
            OR NEW.adjusted_tiyn IS NOT OLD.adjusted_tiyn))
    BEGIN SELECT RAISE(ABORT, 'two operators end a break'); END;
CREATE TRIGGER break_item_born BEFORE INSERT ON break_item
    WHEN NEW.approved_by IS NOT NULL OR NEW.proposed_by IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'two operators end a break'); END;

-- No money moves for a break that two operators have not adjusted so.
CREATE TRIGGER transfer_approved BEFORE INSERT ON transfer
    WHEN NEW.id LIKE 'break/%' AND NOT EXISTS (SELECT 1 FROM break_item
        WHERE id = NEW.order_id AND NEW.id = 'break/' || id AND state = 'adjusted'
        AND approved_by <> proposed_by AND debit = NEW.debit AND credit = NEW.credit
        AND adjusted_tiyn = NEW.amount_tiyn)
    BEGIN SELECT RAISE(ABORT, 'two operators adjust'); END;
