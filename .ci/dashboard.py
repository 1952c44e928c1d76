#!/usr/bin/env python3
"""Prints a dashboard's queries as recording rules, so that `promtool check rules` reads every one.

usage: dashboard.py qaqpa.json > rules.yml
"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    dashboard = json.load(file)
queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
places = [panel["gridPos"] for panel in dashboard["panels"]]
ids = [panel["id"] for panel in dashboard["panels"]]
if not queries or len(set(ids)) != len(ids) or any(p["x"] + p["w"] > 24 for p in places):
    sys.exit("dashboard: no queries, an id twice, or a panel beyond the right edge")
rules = [
    {"record": f"panel:query:{number}", "expr": query.replace("$__rate_interval", "5m")}
    for number, query in enumerate(queries)
]
# JSON is YAML.
print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
