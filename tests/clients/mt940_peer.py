"""Statements of ten banks, read by the mt-940 library and by `qaqpa register`: as many rows, the same money.

Usage: mt940_peer.py QAQPA FOLDER. Says how many files agree; fails with every one that does not.
"""

import json
import logging
import pathlib
import subprocess
import sys
from decimal import Decimal

import mt940

logging.disable(logging.CRITICAL)
program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
agree, differ = 0, []
for path in sorted(folder.rglob("*.sta")):
    read = mt940.parse(str(path))
    amounts = [row.data["amount"].amount for row in read if row.data.get("amount") is not None]
    theirs = (len(amounts), sum(abs(amount) for amount in amounts))
    command = [program, "register", "--json", "--format", "mt940", str(path)]
    out = subprocess.run(command, capture_output=True, text=True).stdout
    said = json.loads(out.splitlines()[-1])
    rows = said.get("rows", 0) + said.get("passed_over", 0)
    ours = (rows, Decimal(said.get("sum_tiyn", 0)) / 100)
    if theirs == ours:
        agree += 1
    else:
        differ.append(f"{path.relative_to(folder)}: {theirs} and {ours}, {said.get('refused')}")
print("\n".join(differ))
print(f"{agree} files agree")
sys.exit(bool(differ))
