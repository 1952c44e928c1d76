#!/usr/bin/env python3
"""Takes one safeguard of money or evidence out at a time; the test that guards it must fail.

usage: mutants.py [NAME...]     (all without names; `mutants.py --list` prints the table)

Each is built in a copy of this clone, target/mutants, so the clone itself is never changed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# name: (file, what stands there, what stands there instead, test target, tests of which one must fail);
# files and texts may be several
MUTANTS = {
    "unique_holder": (
        "src/payments/schema/embedded.sql",
        "CREATE UNIQUE INDEX payment_order_charge",
        "CREATE INDEX payment_order_charge",
        "payments", "on_sqlite::the_database_itself_refuses_what_the_rules_forbid"),
    "unique_holder_postgres": (
        "src/payments/schema/postgres.sql",
        "CREATE UNIQUE INDEX payment_order_charge",
        "CREATE INDEX payment_order_charge",
        "payments", "on_postgres::the_database_itself_refuses_what_the_rules_forbid"),
    "unique_transaction": (
        "src/payments/schema/embedded.sql",
        "txn_key          TEXT UNIQUE,", "txn_key          TEXT,",
        "payments", "on_sqlite::the_database_itself_refuses_what_the_rules_forbid"),
    "one_order_a_charge": (
        "src/payments/decide/open.rs",
        "if let Some(holder) = book.order_by(Lookup::Holder, charge.id.text()) {",
        "if let Some(holder) = book.order_by(Lookup::Holder, \"\") {",
        "payments", "on_sqlite::of_a_hundred_orders_for_one_charge_one_is_opened"),
    "inquiry_before_resubmission": (
        "src/payments/decide/open.rs",
        "order.not_found >= rules.not_found_min && at_us", "at_us",
        "payments", "on_sqlite::unknown_is_left_by_evidence_and_sent_again_only_after_silence"),
    "quiet_before_resubmission": (
        "src/payments/decide/open.rs",
        "order.not_found >= rules.not_found_min && at_us >= after(attempted_at_us, rules.quiet)",
        "order.not_found >= rules.not_found_min && at_us >= attempted_at_us",
        "payments", "on_sqlite::unknown_is_left_by_evidence_and_sent_again_only_after_silence"),
    "stored_answer": (
        "src/payments/book.rs",
        "self.keys.get(key)", "self.keys.get(key).filter(|_| false)",
        "payments", "on_sqlite::the_same_request_gets_the_same_bytes_and_another_body_is_told_so"),
    "event_heard_once": (
        "src/payments/book.rs",
        "self.evidence.contains(event)", "self.evidence.contains(event) && false",
        "payments", "on_sqlite::one_event_heard_by_many_at_once_counts_once"),
    # Each alone is enough: rows are locked as they are read, the update asks for the version that was
    # read, and a trigger for a higher one.
    "one_change_at_a_time": (
        ("src/payments/store/postgres.rs", "src/payments/store/postgres.rs", "src/payments/schema/returns_postgres.sql"),
        ("let (select, lock) = lookup.select();", "o.id = r.id AND o.version = r.stored", "NEW.version <= OLD.version OR NEW.amount_tiyn"),
        ("let (select, lock) = (lookup.select().0, \"\");", "o.id = r.id", "NEW.amount_tiyn"),
        "payments", "on_postgres::refunds_at_once_never_exceed_the_payment|on_postgres::a_cancellation_and_an_attempt"),
    "refund_within_payment": (
        "src/payments/decide/money.rs",
        "filter(|sum| *sum <= original.amount_tiyn)", "filter(|sum| *sum <= i64::MAX)",
        "payments", "on_sqlite::refunds_never_exceed_what_was_paid"),
    "refund_within_payment_in_the_table": (
        "src/payments/schema/embedded.sql",
        "CHECK (returned_tiyn BETWEEN 0 AND amount_tiyn)", "CHECK (returned_tiyn >= 0)",
        "payments", "on_sqlite::the_database_itself_refuses_what_the_rules_forbid"),
    "refund_takes_its_share_again": (
        "src/payments/decide/mod.rs",
        "did_hold == Some(false) && order.is_paid_back()", "did_hold == Some(false) && false",
        "lib", "payments::tests::cases::a_refund_that_was_refused_and_then_paid_takes_its_share_again"),
    "return_within_payment": (
        "src/payments/decide/give.rs",
        "(returned <= payment.amount_tiyn).then_some(returned)", "Some(returned)",
        "lib", "payments::tests::returns::more_than_is_left_waits_for_an_operator_and_moves_no_money"),
    "share_taken_again_in_the_table": (
        "src/payments/schema/returns_embedded.sql",
        " AND NEW.reverses IS NULL AND NEW.ruling IS NOT 'posted'", "",
        "payments", "on_sqlite::a_refund_that_was_refused_and_then_paid_is_taken_by_the_database_too"),
    "submitted_is_not_for_ever": (
        "src/payments/clerk.rs",
        "State::Submitted if patience.takes_orders && is_forgotten", "State::Submitted if false && is_forgotten",
        "lib", "payments::clerk::tests::what_is_done_with_an_order_is_told_state_by_state"),
    "order_synced_before_the_bank": (
        "src/journal/embedded/file.rs",
        "PRAGMA synchronous = FULL;", "PRAGMA synchronous = OFF;",
        "clerk", "order::an_order_is_synced_to_disk_before_the_bank_sees_a_byte"),
}


def several(one):
    return one if isinstance(one, tuple) else (one,)


def tried(name, copy, target):
    files, stands, instead, room, test = MUTANTS[name]
    paths = [copy / file for file in several(files)]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    for path, before, after in zip(paths, several(stands), several(instead)):
        text = path.read_text(encoding="utf-8")
        if text.count(before) != 1:
            return f"{path.name} holds the place {text.count(before)} times"
        path.write_text(text.replace(before, after), encoding="utf-8")
    env = dict(os.environ, CARGO_TARGET_DIR=str(target))
    room = ["--lib"] if room == "lib" else ["--test", room]
    cargo = ["cargo", "test", "--locked", "--quiet", *room]
    try:
        built = subprocess.run(cargo + ["--no-run"], cwd=copy, env=env, capture_output=True, text=True)
        if built.returncode != 0:
            return "does not build:\n" + built.stderr[-2000:]
        ran = subprocess.run(cargo + ["--", *test.split("|")], cwd=copy, env=env, capture_output=True, text=True)
        if "running 0 tests" in ran.stdout and "test result: FAILED" not in ran.stdout:
            return f"no test {test}"
        return "SURVIVED" if ran.returncode == 0 else None
    finally:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")


def main():
    names = sys.argv[1:] or list(MUTANTS)
    if names == ["--list"]:
        for name, (files, _, _, room, test) in MUTANTS.items():
            print(f"{name:<36} {several(files)[0]:<36} {room}: {test}")
        return
    clone = Path(__file__).resolve().parent.parent
    target = clone / "target"
    copy = target / "mutants"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=clone, capture_output=True, check=True)
    for file in files.stdout.decode().split("\0"):
        if file and (clone / file).exists():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(clone / file, copy / file)
    (copy / "target").mkdir(exist_ok=True)
    (copy / "target/tools").symlink_to(target / "tools")
    lived = 0
    for number, name in enumerate(names, 1):
        trouble = tried(name, copy, target)
        lived += trouble is not None
        print(f"{number}/{len(names)} {name:<36} {trouble or 'found by ' + MUTANTS[name][4]}", flush=True)
    sys.exit(lived > 0)


main()
