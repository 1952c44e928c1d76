-- The journal in SQLite. Times are Unix microseconds, digests are SHA-256 (NULL: there was none),
-- ids are the 16 bytes of a UUID version 7. Sections are migrations: never change one that was
-- released, add the next number.

-- migration 1: entries, bodies, keys

-- Evidence: a call that was let in, durable before its first byte leaves.
CREATE TABLE entry_opened (
    id                 BLOB NOT NULL PRIMARY KEY,
    node               TEXT NOT NULL,
    opened_at_us       INTEGER NOT NULL,
    participant        TEXT NOT NULL,
    sender_id          TEXT NOT NULL,
    agency             TEXT NOT NULL,
    service            TEXT NOT NULL,
    route_id           TEXT NOT NULL,
    message_id         TEXT NOT NULL,
    correlation_id     TEXT NOT NULL,
    call_key           BLOB,
    caller_certificate BLOB,
    request_digest     BLOB,
    request_bytes      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Evidence: how it ended. No row: the call is under way, or its node died.
CREATE TABLE entry_closed (
    id                 BLOB NOT NULL PRIMARY KEY,
    closed_at_us       INTEGER NOT NULL,
    outcome            TEXT NOT NULL,              -- Done, Refused, Unknown
    needs_evidence     INTEGER NOT NULL,           -- 1: Unknown, and not idempotent: somebody must find out
    fault_code         TEXT,                       -- origin.kind
    fault_phase        TEXT,
    evidence           TEXT NOT NULL,              -- answer, refusal, fault, interrupted
    http_status        INTEGER,
    agency_digest      BLOB,
    agency_certificate BLOB,
    answer_digest      BLOB,
    answer_bytes       INTEGER NOT NULL,
    phases             TEXT NOT NULL               -- 'receive=120 identify=140 …': end of each, µs since opened
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_closed_waiting ON entry_closed (id) WHERE needs_evidence = 1;

-- Evidence: what was found out about an entry left Unknown.
CREATE TABLE entry_resolved (
    id                 BLOB NOT NULL PRIMARY KEY,
    resolved_at_us     INTEGER NOT NULL,
    outcome            TEXT NOT NULL,              -- Done, Refused
    evidence           TEXT NOT NULL,              -- inquiry, register, operator
    note               TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Contents, compressed and encrypted by the key of the entry's day.
CREATE TABLE entry_body (
    id                 BLOB NOT NULL,
    part               TEXT NOT NULL,              -- request, answer
    sealed             BLOB NOT NULL,
    PRIMARY KEY (id, part)
) STRICT;

-- One random key a day, wrapped by the master key. Deleting a row erases that day's contents for ever.
CREATE TABLE day_key (
    day                INTEGER NOT NULL PRIMARY KEY, -- days since 1970, UTC
    wrapped            BLOB NOT NULL
) STRICT;

-- Not evidence: which calls are remembered, so that the same call is not carried twice.
CREATE TABLE call_key (
    call_key           BLOB NOT NULL PRIMARY KEY,
    message_key        BLOB NOT NULL,
    entry              BLOB NOT NULL,
    node               TEXT NOT NULL,
    state              TEXT NOT NULL,              -- open, answered, unknown
    is_unique          INTEGER NOT NULL,           -- 1: no other content under the same messageId
    is_idempotent      INTEGER NOT NULL,
    opened_at_us       INTEGER NOT NULL,
    expires_at_us      INTEGER NOT NULL,
    outcome            TEXT,                       -- Done, Refused; NULL: not answered
    http_status        INTEGER,
    answer_bytes       INTEGER NOT NULL,           -- of the answer below, 0 where none is kept here
    answer             BLOB                        -- sealed, where the entry's body is not kept; NULL: none, or dropped
) STRICT;

CREATE UNIQUE INDEX call_key_message ON call_key (message_key) WHERE is_unique = 1;
CREATE INDEX call_key_open ON call_key (node) WHERE state = 'open';
CREATE INDEX call_key_expiry ON call_key (expires_at_us);
CREATE INDEX call_key_answer ON call_key (is_idempotent DESC, opened_at_us, answer_bytes)
    WHERE answer_bytes > 0;

-- Evidence is only ever added to.
CREATE TRIGGER entry_opened_stays BEFORE UPDATE ON entry_opened
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_opened_remains BEFORE DELETE ON entry_opened
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_closed_stays BEFORE UPDATE ON entry_closed
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_closed_remains BEFORE DELETE ON entry_closed
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_resolved_stays BEFORE UPDATE ON entry_resolved
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_resolved_remains BEFORE DELETE ON entry_resolved
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_body_stays BEFORE UPDATE ON entry_body
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;
CREATE TRIGGER entry_body_remains BEFORE DELETE ON entry_body
    BEGIN SELECT RAISE(ABORT, 'the journal is append only'); END;

-- migration 2: bodies that were relayed and not held; NULL: the request was held whole

ALTER TABLE entry_closed ADD COLUMN request_digest BLOB;
ALTER TABLE entry_closed ADD COLUMN request_bytes INTEGER;

-- migration 3: quotas that nodes part among them; a file is one node's alone

SELECT 1;

-- migration 4: whether the caller's certificates were revoked, and the evidence; NULL: not asked

ALTER TABLE entry_opened ADD COLUMN revocation TEXT;

-- migration 5: what waits for evidence, apart from what ever did

-- Not evidence: entries left Unknown that nothing was found out about yet. The two triggers keep it, so
-- that nobody who writes evidence can forget to.
CREATE TABLE entry_waiting (
    id                 BLOB NOT NULL PRIMARY KEY,
    service            TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_waiting_service ON entry_waiting (service, id);

INSERT INTO entry_waiting SELECT o.id, o.service FROM entry_closed c JOIN entry_opened o ON o.id = c.id
    WHERE c.needs_evidence = 1 AND NOT EXISTS (SELECT 1 FROM entry_resolved r WHERE r.id = c.id);
DROP INDEX entry_closed_waiting;

CREATE TRIGGER entry_closed_waits AFTER INSERT ON entry_closed WHEN NEW.needs_evidence = 1
    BEGIN INSERT INTO entry_waiting SELECT id, service FROM entry_opened WHERE id = NEW.id; END;
CREATE TRIGGER entry_resolved_waits_no_more AFTER INSERT ON entry_resolved
    BEGIN DELETE FROM entry_waiting WHERE id = NEW.id; END;

-- migration 6: who writes an end notes what waits: a trigger made every end dearer

DROP TRIGGER entry_closed_waits;

-- migration 7: what is under way apart from what is remembered; a key tells no more what became of its call

-- Not evidence: entries that have not ended. In with the opening, out with the end, in the same
-- transaction: it alone tells whether a call is under way.
CREATE TABLE entry_under_way (
    id                 BLOB NOT NULL PRIMARY KEY,
    node               TEXT NOT NULL,
    is_idempotent      INTEGER NOT NULL,
    given_up_at_us     INTEGER NOT NULL            -- from then on its node is taken for dead
) STRICT, WITHOUT ROWID;

INSERT INTO entry_under_way
    SELECT entry, node, is_idempotent, max(expires_at_us, opened_at_us + 3600000000) FROM call_key
    WHERE state = 'open';

-- Not evidence: which calls are remembered, so that the same call is not carried twice. What became of
-- one is told by the end of its entry.
CREATE TABLE call_remembered (
    call_key           BLOB NOT NULL PRIMARY KEY,
    message_key        BLOB,                       -- NULL: other content may come under the messageId
    entry              BLOB NOT NULL,
    is_idempotent      INTEGER NOT NULL,
    opened_at_us       INTEGER NOT NULL,
    expires_at_us      INTEGER NOT NULL,
    answer_bytes       INTEGER NOT NULL,           -- of the answer below, 0 where none is kept here
    answer             BLOB                        -- sealed, where the entry's body is not kept; NULL: none, or dropped
) STRICT;

INSERT INTO call_remembered
    SELECT call_key, CASE WHEN is_unique = 1 THEN message_key END, entry, is_idempotent, opened_at_us,
        expires_at_us, answer_bytes, answer FROM call_key ORDER BY call_key;
DROP TABLE call_key;
ALTER TABLE call_remembered RENAME TO call_key;

CREATE UNIQUE INDEX call_key_message ON call_key (message_key) WHERE message_key IS NOT NULL;
CREATE INDEX call_key_expiry ON call_key (expires_at_us);
CREATE INDEX call_key_answer ON call_key (is_idempotent DESC, opened_at_us, answer_bytes)
    WHERE answer_bytes > 0;
