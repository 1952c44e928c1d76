#!/usr/bin/env python3
"""DuckDB does the work of `qaqpa reconcile` in one query straight over two files, on two threads.

Prints one JSON object: `matched`, `breaks` (category: count). Rows without an id are not looked for.
"""
import json
import sys

import duckdb

TYPES = {"e2e_id": "VARCHAR", "receipt": "VARCHAR", "iin": "VARCHAR", "payee_bin": "VARCHAR",
         "kbk": "VARCHAR", "knp": "VARCHAR", "amount_tiyn": "BIGINT", "ccy": "VARCHAR",
         "status": "VARCHAR", "posted_at": "TIMESTAMPTZ", "value_date": "DATE", "rail": "VARCHAR"}
COMPARED = ["amount_tiyn", "ccy", "status", "iin", "payee_bin", "kbk", "knp", "value_date"]
DAY = "CAST(posted_at AT TIME ZONE 'UTC' + INTERVAL 13 HOUR AS DATE)"


def side(path: str) -> str:
    columns = ", ".join(f"first({name}) AS {name}" for name in COMPARED)
    return f"""SELECT e2e_id, count(*) AS copies, {columns}, first({DAY}) AS day
      FROM read_csv('{path}', delim=';', header=false, quote='', escape='', comment='#',
                    auto_detect=false, columns={TYPES}) GROUP BY e2e_id"""


def differ(*names: str) -> str:
    return " OR ".join(f"j.{name} IS DISTINCT FROM r.{name}" for name in names)


journal, register = sys.argv[1:3]
db = duckdb.connect()
db.execute("SET threads=2; SET TimeZone='UTC'")
rows = db.execute(f"""
SELECT CASE WHEN r.e2e_id IS NULL THEN 'MISSING_IN_BANK'
            WHEN j.e2e_id IS NULL AND r.status IN ('RETURNED', 'REFUND', 'REVERSAL') THEN 'RETURN_UNLINKED'
            WHEN j.e2e_id IS NULL THEN 'MISSING_IN_GATEWAY'
            WHEN {differ("amount_tiyn", "ccy")} THEN 'AMOUNT_MISMATCH'
            WHEN j.status <> r.status AND j.status IN ('EXPIRED', 'CANCELLED') THEN 'LATE_CREDIT'
            WHEN j.status <> r.status AND j.status = 'SURPLUS' THEN 'DOUBLE_PAID_CHARGE'
            WHEN j.status <> r.status THEN 'STATUS_MISMATCH'
            WHEN {differ("iin", "payee_bin", "kbk", "knp")} THEN 'REQUISITE_MISMATCH'
            WHEN {differ("value_date", "day")} THEN 'LATE_CUTOFF'
            ELSE 'matched' END AS category,
       count(*), coalesce(sum(j.copies - 1), 0), coalesce(sum(r.copies - 1), 0)
  FROM ({side(journal)}) j FULL JOIN ({side(register)}) r ON j.e2e_id = r.e2e_id GROUP BY 1
""").fetchall()
counts = {category: count for category, count, _, _ in rows}
counts["DUPLICATE_IN_GATEWAY"] = int(sum(row[2] for row in rows))
counts["DUPLICATE_IN_BANK"] = int(sum(row[3] for row in rows))
matched = counts.pop("matched", 0)
print(json.dumps({"matched": matched, "breaks": {k: v for k, v in counts.items() if v}}))
