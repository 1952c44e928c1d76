#!/usr/bin/env python3
"""A second opinion on reconciliations, in SQL: DuckDB classifies the files of each folder named.

Each folder holds `journal.csv` and `register.csv` in the neutral form. Prints one JSON object a folder:
`matched`, `rows`, `breaks` (category: count), as `qaqpa reconcile` says them.
"""
import json
import sys
import tempfile

import duckdb

COLUMNS = ["e2e_id", "receipt", "iin", "payee_bin", "kbk", "knp", "amount_tiyn", "ccy", "status",
           "posted_at", "value_date", "rail"]
# The operating day from cut-off to cut-off, 16:00 in Astana (UTC+5): eight hours before midnight.
DAY = "CAST(CAST(posted_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' + INTERVAL 13 HOUR AS DATE)"

LOAD = """
CREATE OR REPLACE TABLE {side} AS
SELECT row_number() OVER () AS id, *, concat_ws(';', {columns}) AS line, {day} AS day
FROM read_csv('{path}', delim=';', header=false, quote='', escape='', comment='#', auto_detect=false, columns={types})
"""

# What two rows disagree in, the gravest first, as bits.
WEIGHT = """
    (j.amount_tiyn <> r.amount_tiyn)::INT * 256 + (j.ccy <> r.ccy)::INT * 128
  + (j.status <> r.status)::INT * 64 + (j.iin <> r.iin)::INT * 32
  + (j.payee_bin <> r.payee_bin)::INT * 16 + (j.kbk <> r.kbk)::INT * 8
  + (j.knp <> r.knp)::INT * 4 + (j.value_date <> r.value_date)::INT * 2 + (j.day <> r.day)::INT
"""

CATEGORY = """
CASE WHEN weight = 0 THEN 'matched'
     WHEN weight >= 128 THEN 'AMOUNT_MISMATCH'
     WHEN weight >= 64 AND taken AND ours IN ('EXPIRED', 'CANCELLED') THEN 'LATE_CREDIT'
     WHEN weight >= 64 AND taken AND ours IN ('SURPLUS', 'DOUBLE_PAID') THEN 'DOUBLE_PAID_CHARGE'
     WHEN weight >= 64 THEN 'STATUS_MISMATCH'
     WHEN weight >= 4 THEN 'REQUISITE_MISMATCH'
     ELSE 'LATE_CUTOFF' END
"""

PAIRED = f"""
CREATE OR REPLACE TABLE paired AS
SELECT j.id AS ours_id, r.id AS theirs_id, {WEIGHT} AS weight, j.status AS ours,
       r.status IN ('POSTED', 'SETTLED') AS taken
FROM journal j JOIN register r ON j.e2e_id = r.e2e_id AND j.e2e_id <> ''
QUALIFY row_number() OVER (PARTITION BY j.e2e_id ORDER BY weight, j.line, r.line) = 1
"""

OPEN = """
CREATE OR REPLACE TABLE open AS
SELECT 'j' AS side, * FROM journal j
 WHERE id NOT IN (SELECT ours_id FROM paired)
   AND (e2e_id = '' AND (receipt = '' OR id = (SELECT min(id) FROM journal x WHERE x.line = j.line))
        OR e2e_id <> '' AND id = (SELECT arg_min(id, line) FROM journal x WHERE x.e2e_id = j.e2e_id)
        AND e2e_id NOT IN (SELECT e2e_id FROM register))
UNION ALL
SELECT 'r', * FROM register r
 WHERE id NOT IN (SELECT theirs_id FROM paired)
   AND (e2e_id = '' AND (receipt = '' OR id = (SELECT min(id) FROM register x WHERE x.line = r.line))
        OR e2e_id <> '' AND id = (SELECT arg_min(id, line) FROM register x WHERE x.e2e_id = r.e2e_id)
        AND e2e_id NOT IN (SELECT e2e_id FROM journal))
"""

# One residual stage: a value that occurs once on each side, and one of the two rows without an id.
STAGE = f"""
INSERT INTO paired
SELECT j.id, r.id, {WEIGHT}, j.status, r.status IN ('POSTED', 'SETTLED')
FROM open j JOIN open r ON j.side = 'j' AND r.side = 'r' AND {{on}}
WHERE (j.e2e_id = '' OR r.e2e_id = '') AND {{also}}
  AND j.id NOT IN (SELECT ours_id FROM paired) AND r.id NOT IN (SELECT theirs_id FROM paired)
  AND (SELECT count(*) FROM open x WHERE x.side = 'j' AND {{ours}}
        AND x.id NOT IN (SELECT ours_id FROM paired)) = 1
  AND (SELECT count(*) FROM open x WHERE x.side = 'r' AND {{theirs}}
        AND x.id NOT IN (SELECT theirs_id FROM paired)) = 1
"""

RETURNS = "('RETURNED', 'RECALLED', 'REFUND', 'REFUNDED', 'REVERSAL', 'REVERSED')"
LONE = f"""
SELECT CASE WHEN id IN (SELECT id FROM open WHERE side = 'j') THEN 'MISSING_IN_BANK'
            ELSE 'DUPLICATE_IN_GATEWAY' END AS category
  FROM journal WHERE id NOT IN (SELECT ours_id FROM paired)
UNION ALL
SELECT CASE WHEN status IN {RETURNS} THEN 'RETURN_UNLINKED'
            WHEN id IN (SELECT id FROM open WHERE side = 'r') THEN 'MISSING_IN_GATEWAY'
            ELSE 'DUPLICATE_IN_BANK' END
  FROM register WHERE id NOT IN (SELECT theirs_id FROM paired)
"""

# Rows that every rule has left, and what might belong together among them.
LEFT = """
CREATE OR REPLACE TABLE lone AS SELECT * FROM open
 WHERE NOT (side = 'j' AND id IN (SELECT ours_id FROM paired))
   AND NOT (side = 'r' AND id IN (SELECT theirs_id FROM paired));
CREATE OR REPLACE TABLE guess (stage INT, members STRUCT(side VARCHAR, id BIGINT)[]);
CREATE OR REPLACE VIEW free AS SELECT * FROM lone
 WHERE NOT exists (SELECT 1 FROM guess g WHERE list_contains(g.members, {'side': lone.side, 'id': lone.id}))
"""

SETS = """
CREATE OR REPLACE TABLE item AS
SELECT t.side AS tside, t.id AS tid, t.amount_tiyn AS goal, c.id AS cid, c.amount_tiyn AS amount
  FROM free t JOIN free c ON c.side <> t.side AND c.ccy = t.ccy AND c.amount_tiyn < t.amount_tiyn
   AND abs(c.value_date::DATE - t.value_date::DATE) <= 7
   AND (c.payee_bin = t.payee_bin OR '' IN (c.payee_bin, t.payee_bin))
   AND (c.kbk = t.kbk OR '' IN (c.kbk, t.kbk)) AND '' IN (t.e2e_id, c.e2e_id);
CREATE OR REPLACE TABLE wanted AS
WITH RECURSIVE sets AS (
    SELECT tside, tid, goal, [cid] AS ids, cid AS last, amount AS total FROM item
    UNION ALL
    SELECT s.tside, s.tid, s.goal, list_append(s.ids, i.cid), i.cid, s.total + i.amount
      FROM sets s JOIN item i ON i.tside = s.tside AND i.tid = s.tid AND i.cid > s.last
     WHERE len(s.ids) < 8 AND s.total + i.amount <= s.goal),
whole AS (SELECT * FROM sets WHERE len(ids) >= 2 AND total = goal),
least AS (SELECT tside, tid, min(len(ids)) AS size FROM whole GROUP BY ALL)
SELECT list_append([{'side': CASE tside WHEN 'j' THEN 'r' ELSE 'j' END, 'id': x} FOR x IN any_value(ids)],
                   {'side': tside, 'id': tid}) AS members
  FROM whole JOIN least USING (tside, tid) WHERE len(ids) = size
 GROUP BY tside, tid HAVING count(*) = 1
"""

PAIRS = """
CREATE OR REPLACE TABLE wanted AS
SELECT [{{'side': 'j', 'id': j.id}}, {{'side': 'r', 'id': r.id}}] AS members
  FROM free j JOIN free r ON j.side = 'j' AND r.side = 'r' AND j.ccy = r.ccy AND {on}
"""
FEES = """j.iin = r.iin AND j.iin <> '' AND '' IN (j.e2e_id, r.e2e_id)
   AND abs(j.amount_tiyn - r.amount_tiyn) IN ({fees}) AND abs(j.value_date::DATE - r.value_date::DATE) <= 1"""


def near(name: str) -> str:
    one, other = f"j.{name}", f"r.{name}"
    return f"({one} <> '' AND {other} <> '' AND damerau_levenshtein({one}, {other}) <= 1)"


SIMILAR = f"""j.amount_tiyn = r.amount_tiyn AND abs(j.value_date::DATE - r.value_date::DATE) <= 7
   AND (j.payee_bin = r.payee_bin OR '' IN (j.payee_bin, r.payee_bin))
   AND (j.iin = r.iin OR '' IN (j.iin, r.iin) OR {near('iin')})
   AND ({near('e2e_id')} OR {near('receipt')} OR {near('iin')}
        OR least(length(j.e2e_id), length(r.e2e_id)) >= 8
           AND (starts_with(j.e2e_id, r.e2e_id) OR starts_with(r.e2e_id, j.e2e_id)))"""

# A row that two want is in neither.
KEEP = """
INSERT INTO guess
SELECT {stage}, members FROM wanted w
 WHERE NOT exists (SELECT 1 FROM (SELECT unnest(members) AS member, count(*) AS many FROM wanted GROUP BY 1)
                    WHERE many > 1 AND list_contains(w.members, member))
"""
RULES = ["covering_set", "tolerance", "similar"]


def guesses(db, fees: str) -> list:
    """What might belong together: `[rule, [[side, row], …]]`, sorted."""
    db.execute(LEFT)
    stages = [SETS, PAIRS.format(on=FEES.format(fees=fees)) if fees else "TRUNCATE wanted",
              PAIRS.format(on=SIMILAR)]
    for stage, sql in enumerate(stages):
        db.execute(sql)
        db.execute(KEEP.format(stage=stage))
    rows = {(side, id): line for side, id, line in db.execute("SELECT side, id, line FROM lone").fetchall()}
    found = db.execute("SELECT stage, members FROM guess").fetchall()
    names = {"j": "journal", "r": "register"}
    return sorted([RULES[stage], sorted([names[m["side"]], rows[m["side"], m["id"]]] for m in members)]
                  for stage, members in found)


def classify(folder: str) -> dict:
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'; SET threads=1")
    for side in ("journal", "register"):
        types = {name: "BIGINT" if name == "amount_tiyn" else "VARCHAR" for name in COLUMNS}
        columns = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in COLUMNS)
        db.execute(LOAD.format(side=side, columns=columns, day=DAY, types=types,
                               path=f"{folder}/{side}.csv"))
        texts = [name for name in COLUMNS if name != "amount_tiyn"]
        db.execute(f"UPDATE {side} SET " + ", ".join(f"{n} = coalesce({n}, '')" for n in texts))
    db.execute(PAIRED)
    db.execute(OPEN)
    if db.execute("SELECT count(*) FROM open WHERE e2e_id = ''").fetchone()[0]:
        db.execute(STAGE.format(on="j.receipt = r.receipt AND j.receipt <> ''", also="true",
                                ours="x.receipt = j.receipt", theirs="x.receipt = r.receipt"))
        same = "{0}.iin = {1}.iin AND {0}.amount_tiyn = {1}.amount_tiyn"
        db.execute(STAGE.format(
            on=same.format("j", "r") + " AND j.iin <> ''",
            also="j.ccy = r.ccy AND abs(j.value_date::DATE - r.value_date::DATE) <= 1",
            ours=same.format("x", "j"), theirs=same.format("x", "r")))
    pairs = dict(db.execute(
        f"SELECT {CATEGORY} AS category, count(*) FROM paired GROUP BY 1").fetchall())
    lone = dict(db.execute(f"SELECT category, count(*) FROM ({LONE}) GROUP BY 1").fetchall())
    matched = pairs.pop("matched", 0)
    rows = {side: db.execute(f"SELECT count(*) FROM {side}").fetchone()[0]
            for side in ("journal", "register")}
    said = {"matched": matched, "rows": rows, "breaks": {**pairs, **lone}}
    return said if FEES_GIVEN is None else {**said, "proposals": guesses(db, FEES_GIVEN)}


TAKEN = {"POSTED", "SETTLED", "PAID", "ACSC", "ACCC", "BOOK", "BOOKED", "SURPLUS", "DOUBLE_PAID"}
PARTIES = {"journal": "GATEWAY", "register": "BANK", "treasury": "TREASURY"}


def common(path: str) -> list:
    """Rows of one of three sides with what all three know: id, document, payee, KBK, amount, currency, day."""
    rows = [line.split(";") for line in open(path, encoding="utf-8").read().splitlines() if line[0] != "#"]
    if path.endswith("treasury.csv"):
        return [[r[0], r[1], r[2], r[4], r[5], r[6], r[7]] for r in rows]
    return [[r[0], r[1], r[3], r[4], r[6], r[7], r[10]] for r in rows if r[8] in TAKEN]


def legs(folder: str) -> dict:
    """A day of three sides, each held against each."""
    said = {}
    sides = {party: common(f"{folder}/{party}.csv") for party in PARTIES}
    for one, other in (("journal", "register"), ("register", "treasury"), ("journal", "treasury")):
        with tempfile.TemporaryDirectory() as leg:
            for side, party in (("journal", one), ("register", other)):
                lines = [f"{e};{d};;{p};{k};;{a};{c};TAKEN;{v}T12:00:00+05:00;{v};" for e, d, p, k, a, c, v in sides[party]]
                open(f"{leg}/{side}.csv", "w", encoding="utf-8").write("".join(f"{line}\n" for line in lines))
            found = classify(leg)
        words = {"GATEWAY": PARTIES[one], "BANK": PARTIES[other]}
        named = {}
        for category, count in found["breaks"].items():
            what, _, place = category.rpartition("_")
            named[f"{what}_{words[place]}" if place in words else category] = count
        said[f"{one}-{other}"] = {"matched": found["matched"], "breaks": named}
    return said


# `--treasury`: three sides of a day. `--guesses=FEES`: proposals too, with fees like `3,5`.
FEES_GIVEN = None
if sys.argv[1:] and sys.argv[1].startswith("--guesses="):
    FEES_GIVEN = sys.argv.pop(1).removeprefix("--guesses=")
is_treasury = sys.argv[1:2] == ["--treasury"]
for each in sys.argv[1 + is_treasury:]:
    print(json.dumps((legs if is_treasury else classify)(each)), flush=True)
