#!/usr/bin/env python3
"""Holds Cargo.lock against a dated table of RustSec advisories.

usage: advisories.py Cargo.lock TABLE.tsv | --self-test

The table's columns: id, package, kind, patched, unaffected, title. The last two of the ranges are
semver requirements joined by `||`; an empty `patched` means: no version is. Exit 1 where a locked
version has a vulnerability or is unsound; what is merely unmaintained is printed and passes.
"""

import csv
import re
import sys
import tomllib
import unittest

FAILING = {"vulnerability", "unsound"}
VERSION = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+\S+)?$")


def parse(text):
    """`1.2` → ((1, 2), sort key): the numbers as written, and what orders versions."""
    found = VERSION.match(text.strip())
    if not found:
        raise ValueError(f"no version: {text!r}")
    written = tuple(int(n) for n in found.groups()[:3] if n is not None)
    # A pre-release sorts before its release; within it numbers sort before words.
    pre = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in (found[4] or "").split(".") if p)
    return written, (written + (0, 0, 0))[:3] + ((0, pre) if pre else (1, ()),)


def end_of(operator, written):
    """The sort key of the first version that `^written` or `~written` no longer allows."""
    place = min(1, len(written) - 1)
    if operator != "~":
        place = next((i for i, number in enumerate(written) if number), len(written) - 1)
    return parse(".".join(map(str, written[:place] + (written[place] + 1,))))[1]


def holds(version, comparator):
    """Whether `version` (a sort key) meets one comparator such as `>= 1.2`."""
    operator, wanted = re.fullmatch(r"\s*(>=|<=|>|<|=|\^|~)?\s*(\S+)\s*", comparator).groups()
    written, key = parse(wanted)
    if operator in (None, "^", "~"):
        return key <= version < end_of(operator, written)
    return {
        ">=": version >= key, "<=": version <= key, ">": version > key, "<": version < key,
        "=": version == key,
    }[operator]


def matches(version, ranges):
    """Whether a version meets `>= 1, < 2 || >= 3`; an empty text matches nothing."""
    key = parse(version)[1]
    return any(all(holds(key, part) for part in one.split(",")) for one in ranges.split("||") if one.strip())


def findings(packages, advisories):
    """Every (advisory, version) of which a locked package suffers."""
    for row in advisories:
        for version in packages.get(row["package"], []):
            if not matches(version, row["patched"]) and not matches(version, row["unaffected"]):
                yield row, version


def locked(text):
    """Registry packages of a Cargo.lock: name → versions."""
    packages = {}
    for package in tomllib.loads(text)["package"]:
        if "source" in package:
            packages.setdefault(package["name"], []).append(package["version"])
    return packages


def rows(lines):
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def main(lock_path, table_path):
    with open(lock_path, encoding="utf-8") as lock, open(table_path, encoding="utf-8") as table:
        packages, advisories = locked(lock.read()), rows(table)
    if len(advisories) < 1000 or not packages:
        sys.exit(f"advisories: {len(advisories)} rows, {len(packages)} packages: this is not the whole story")
    failed = False
    for row, version in findings(packages, advisories):
        fails = row["kind"] in FAILING
        failed |= fails
        print(f"{'FAIL' if fails else 'warn'}  {row['id']}  {row['package']} {version}  {row['kind']}: {row['title']}")
    count = sum(len(versions) for versions in packages.values())
    print(f"advisories: {count} locked packages against {len(advisories)} advisories: {'refused' if failed else 'clean'}")
    sys.exit(1 if failed else 0)


class SelfTest(unittest.TestCase):
    def test_a_range_reads_as_semver_writes_it(self):
        for version, ranges, expected in [
            ("1.2.3", ">= 1.2.3", True), ("1.2.2", ">= 1.2.3", False), ("1.2.3", ">=1.2.3", True),
            ("1.2.3", "> 1.2.3", False), ("1.2.3", "<= 1.2.3", True), ("1.2.3", "< 1.2.3", False),
            ("1.5.0", ">= 1.0, < 1.4 || >= 1.5", True), ("1.4.9", ">= 1.0, < 1.4 || >= 1.5", False),
            ("1.9.9", "^1.2", True), ("2.0.0", "^1.2", False), ("0.3.9", "^ 0.3.1", True),
            ("0.4.0", "^0.3.1", False), ("0.0.3", "^0.0.3", True), ("0.0.4", "^0.0.3", False),
            ("1.2.9", "~1.2.3", True), ("1.3.0", "~1.2.3", False), ("1.9.0", "~1", True),
            ("1.2.3", "= 1.2.3", True), ("0.0.1", "^0", True), ("1.0.0", "^0", False),
            ("0.13.12", ">= 0.14.3 || 0.13.10", True), ("0.13.9", ">= 0.14.3 || 0.13.10", False),
            ("1.0.0-rc.2", ">= 1.0.0", False), ("1.0.0-rc.10", "> 1.0.0-rc.2", True),
            ("1.0.0+build", "= 1.0.0", True), ("1.0.0", "", False),
        ]:
            with self.subTest(version=version, ranges=ranges):
                self.assertEqual(matches(version, ranges), expected)

    def test_only_the_version_that_suffers_is_found(self):
        row = {"package": "leaky", "patched": ">= 1.1", "unaffected": "< 0.5", "kind": "unsound"}
        for version, hits in [("1.0.9", 1), ("1.1.0", 0), ("0.4.9", 0)]:
            self.assertEqual(len(list(findings({"leaky": [version], "sound": ["1.0.9"]}, [row]))), hits)

    def test_an_empty_patched_column_means_every_version(self):
        row = {"package": "gone", "patched": "", "unaffected": "", "kind": "vulnerability"}
        self.assertEqual(len(list(findings({"gone": ["9.9.9", "0.0.1"]}, [row]))), 2)

    def test_our_own_packages_are_not_looked_up(self):
        text = '[[package]]\nname = "ours"\nversion = "0.1.0"\n[[package]]\nname = "theirs"\nversion = "1.0.0"\nsource = "registry"\n'
        self.assertEqual(locked(text), {"theirs": ["1.0.0"]})

    def test_a_range_that_is_no_range_is_an_error(self):
        with self.assertRaises((ValueError, AttributeError)):
            matches("1.0.0", ">= one")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        unittest.main(argv=sys.argv[:1], verbosity=0)
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
