#!/usr/bin/env python3
"""A second opinion on reconciliations, in SQL: DuckDB classifies the files of each folder named.

Each folder holds `journal.csv` and `register.csv` in the neutral form. Prints one JSON object a folder:
`matched`, `rows`, `breaks` (category: count), as `qaqpa reconcile` says them.
"""
import json
import sys

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
   AND (e2e_id = '' OR id = (SELECT arg_min(id, line) FROM journal x WHERE x.e2e_id = j.e2e_id)
        AND e2e_id NOT IN (SELECT e2e_id FROM register))
UNION ALL
SELECT 'r', * FROM register r
 WHERE id NOT IN (SELECT theirs_id FROM paired)
   AND (e2e_id = '' OR id = (SELECT arg_min(id, line) FROM register x WHERE x.e2e_id = r.e2e_id)
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

RETURNS = "('RETURNED', 'RECALLED', 'REFUNDED', 'REVERSED')"
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
    return {"matched": matched, "rows": rows, "breaks": {**pairs, **lone}}


for each in sys.argv[1:]:
    print(json.dumps(classify(each)), flush=True)
