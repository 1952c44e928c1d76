-- The journal in PostgreSQL: the same tables as in embedded.sql, in the schema `qaqpa`, owned by the
-- role that runs `qaqpa migrate`. Times are Unix microseconds, digests are SHA-256 (NULL: there was
-- none). Sections are migrations: never change one that was released, add the next number.
--
-- Evidence is partitioned by day, by ranges of the id: a UUID version 7 begins with its time, so all
-- rows of one entry lie in the partitions of one day, and the id alone stays unique. Rows of days
-- for which no partition was made ahead fall into the default ones.

-- migration 1: entries, bodies, keys

-- Evidence: a call that was let in, durable before its first byte leaves.
CREATE TABLE entry_opened (
    id                 UUID NOT NULL PRIMARY KEY,
    node               TEXT NOT NULL,
    opened_at_us       BIGINT NOT NULL,
    participant        TEXT NOT NULL,
    sender_id          TEXT NOT NULL,
    agency             TEXT NOT NULL,
    service            TEXT NOT NULL,
    route_id           TEXT NOT NULL,
    message_id         TEXT NOT NULL,
    correlation_id     TEXT NOT NULL,
    call_key           BYTEA,
    caller_certificate BYTEA,
    request_digest     BYTEA,
    request_bytes      BIGINT NOT NULL
) PARTITION BY RANGE (id);

-- Evidence: how it ended. No row: the call is under way, or its node died.
CREATE TABLE entry_closed (
    id                 UUID NOT NULL PRIMARY KEY,
    closed_at_us       BIGINT NOT NULL,
    outcome            TEXT NOT NULL,              -- Done, Refused, Unknown
    needs_evidence     BOOLEAN NOT NULL,           -- Unknown, and not idempotent: somebody must find out
    fault_code         TEXT,                       -- origin.kind
    fault_phase        TEXT,
    evidence           TEXT NOT NULL,              -- answer, refusal, fault, interrupted
    http_status        INTEGER,
    agency_digest      BYTEA,
    agency_certificate BYTEA,
    answer_digest      BYTEA,
    answer_bytes       BIGINT NOT NULL,
    phases             TEXT NOT NULL               -- 'receive=120 identify=140 …': end of each, µs since opened
) PARTITION BY RANGE (id);

CREATE INDEX entry_closed_waiting ON entry_closed (id) WHERE needs_evidence;

-- Evidence: what was found out about an entry left Unknown.
CREATE TABLE entry_resolved (
    id                 UUID NOT NULL PRIMARY KEY,
    resolved_at_us     BIGINT NOT NULL,
    outcome            TEXT NOT NULL,              -- Done, Refused
    evidence           TEXT NOT NULL,              -- inquiry, register, operator
    note               TEXT NOT NULL
) PARTITION BY RANGE (id);

-- Contents, compressed and encrypted by the key of the entry's day.
CREATE TABLE entry_body (
    id                 UUID NOT NULL,
    part               TEXT NOT NULL,              -- request, answer
    sealed             BYTEA NOT NULL,
    PRIMARY KEY (id, part)
) PARTITION BY RANGE (id);

ALTER TABLE entry_body ALTER COLUMN sealed SET STORAGE EXTERNAL; -- compressed before it came

CREATE TABLE entry_opened_default PARTITION OF entry_opened DEFAULT;
CREATE TABLE entry_closed_default PARTITION OF entry_closed DEFAULT;
CREATE TABLE entry_resolved_default PARTITION OF entry_resolved DEFAULT;
CREATE TABLE entry_body_default PARTITION OF entry_body DEFAULT;

-- One random key a day, wrapped by the master key. Deleting a row erases that day's contents for ever.
CREATE TABLE day_key (
    day                INTEGER NOT NULL PRIMARY KEY, -- days since 1970, UTC
    wrapped            BYTEA NOT NULL
);

-- Not evidence: which calls are remembered, so that the same call is not carried twice.
CREATE TABLE call_key (
    call_key           BYTEA NOT NULL PRIMARY KEY,
    message_key        BYTEA NOT NULL,
    entry              UUID NOT NULL,
    node               TEXT NOT NULL,
    state              TEXT NOT NULL,              -- open, answered, unknown
    is_unique          BOOLEAN NOT NULL,           -- no other content under the same messageId
    is_idempotent      BOOLEAN NOT NULL,
    opened_at_us       BIGINT NOT NULL,
    expires_at_us      BIGINT NOT NULL,
    outcome            TEXT,                       -- Done, Refused; NULL: not answered
    http_status        INTEGER,
    answer_bytes       BIGINT NOT NULL,            -- of the answer below, 0 where none is kept here
    answer             BYTEA                       -- sealed, where the entry's body is not kept; NULL: none, or dropped
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02); -- every row changes once, soon

ALTER TABLE call_key ALTER COLUMN answer SET STORAGE EXTERNAL;

CREATE UNIQUE INDEX call_key_message ON call_key (message_key) WHERE is_unique;
CREATE INDEX call_key_open ON call_key (node) WHERE state = 'open';
CREATE INDEX call_key_expiry ON call_key (expires_at_us);
CREATE INDEX call_key_answer ON call_key (is_idempotent DESC, opened_at_us, answer_bytes)
    WHERE answer_bytes > 0;

-- Evidence is only ever added to, even by the owner; old days go as whole partitions.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the journal is append only'; END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON entry_opened
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON entry_closed
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON entry_resolved
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON entry_body
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What deploy/postgres/roles.sql promises of the tables that are not evidence.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON call_key TO qaqpa_app;
        REVOKE INSERT ON schema_version FROM qaqpa_app;
    END IF;
END $$;

-- migration 2: bodies that were relayed and not held; NULL: the request was held whole

ALTER TABLE entry_closed ADD COLUMN request_digest BYTEA;
ALTER TABLE entry_closed ADD COLUMN request_bytes BIGINT;

-- migration 3: quotas that nodes part among them

-- What each node asks for. It says it anew every second: nothing is lost with a crash, and it is no evidence.
CREATE UNLOGGED TABLE quota_lease (
    contract   TEXT NOT NULL,                      -- participant/service, or an agency; '': the node lives
    node       TEXT NOT NULL,
    per_second DOUBLE PRECISION NOT NULL,          -- calls, those refused among them
    told_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (contract, node)
) WITH (fillfactor = 50);

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON quota_lease TO qaqpa_app;
    END IF;
END $$;

-- migration 4: whether the caller's certificates were revoked, and the evidence; NULL: not asked

ALTER TABLE entry_opened ADD COLUMN revocation TEXT;

-- migration 5: what waits for evidence, apart from what ever did

-- Not evidence: entries left Unknown that nothing was found out about yet. The two triggers keep it, so
-- that nobody who writes evidence can forget to.
CREATE TABLE entry_waiting (
    id                 UUID NOT NULL PRIMARY KEY,
    service            TEXT NOT NULL
);

CREATE INDEX entry_waiting_service ON entry_waiting (service, id);

INSERT INTO entry_waiting SELECT o.id, o.service FROM entry_closed c JOIN entry_opened o ON o.id = c.id
    WHERE c.needs_evidence AND NOT EXISTS (SELECT 1 FROM entry_resolved r WHERE r.id = c.id);
DROP INDEX entry_closed_waiting;

CREATE FUNCTION note_waiting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO qaqpa.entry_waiting SELECT id, service FROM qaqpa.entry_opened WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER waits AFTER INSERT ON entry_closed
    FOR EACH ROW WHEN (NEW.needs_evidence) EXECUTE FUNCTION note_waiting();
CREATE FUNCTION note_resolved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM qaqpa.entry_waiting WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER waits_no_more AFTER INSERT ON entry_resolved
    FOR EACH ROW EXECUTE FUNCTION note_resolved();

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        GRANT SELECT, INSERT, DELETE ON entry_waiting TO qaqpa_app;
    END IF;
END $$;

-- migration 6: in SQLite the writer notes what waits; here the trigger does

SELECT 1;

-- migration 7: what is under way apart from what is remembered; a key tells no more what became of its call

-- Not evidence: entries that have not ended. In with the opening, out with the end, in the same
-- transaction: it alone tells whether a call is under way.
CREATE TABLE entry_under_way (
    id                 UUID NOT NULL PRIMARY KEY,
    node               TEXT NOT NULL,
    is_idempotent      BOOLEAN NOT NULL,
    given_up_at_us     BIGINT NOT NULL             -- from then on its node is taken for dead
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000); -- every row goes soon

-- A gateway of an earlier version that still runs here waits, and then finds no such table: it fails, closed.
LOCK TABLE call_key IN ACCESS EXCLUSIVE MODE;

INSERT INTO entry_under_way
    SELECT entry, node, is_idempotent, greatest(expires_at_us, opened_at_us + 3600000000) FROM call_key
    WHERE state = 'open';

-- Not evidence: which calls are remembered, so that the same call is not carried twice. What became of
-- one is told by the end of its entry.
CREATE TABLE call_remembered (
    call_key           BYTEA NOT NULL PRIMARY KEY,
    message_key        BYTEA,                      -- NULL: other content may come under the messageId
    entry              UUID NOT NULL,
    is_idempotent      BOOLEAN NOT NULL,
    opened_at_us       BIGINT NOT NULL,
    expires_at_us      BIGINT NOT NULL,
    answer_bytes       BIGINT NOT NULL,            -- of the answer below, 0 where none is kept here
    answer             BYTEA                       -- sealed, where the entry's body is not kept; NULL: none, or dropped
) WITH (autovacuum_vacuum_scale_factor = 0.02);

ALTER TABLE call_remembered ALTER COLUMN answer SET STORAGE EXTERNAL;

INSERT INTO call_remembered
    SELECT call_key, CASE WHEN is_unique THEN message_key END, entry, is_idempotent, opened_at_us,
        expires_at_us, answer_bytes, answer FROM call_key;
DROP TABLE call_key;
ALTER TABLE call_remembered RENAME TO call_key;
ALTER INDEX call_remembered_pkey RENAME TO call_key_pkey;

CREATE UNIQUE INDEX call_key_message ON call_key (message_key) WHERE message_key IS NOT NULL;
CREATE INDEX call_key_expiry ON call_key (expires_at_us);
CREATE INDEX call_key_answer ON call_key (is_idempotent DESC, opened_at_us, answer_bytes)
    WHERE answer_bytes > 0;

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'qaqpa_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON call_key TO qaqpa_app;
        GRANT SELECT, INSERT, DELETE ON entry_under_way TO qaqpa_app;
    END IF;
END $$;
