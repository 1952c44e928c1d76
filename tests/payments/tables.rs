//! The tables themselves: whoever goes round the rules is stopped by the database.

use crate::house::*;
use qaqpa::payments::command::{Command, Reply};
use qaqpa::payments::order::Said;

pub(crate) async fn the_database_itself_refuses_what_the_rules_forbid(house: &House) {
    let payments = house.start().await;
    let first = charged(&payments, "X-1").await;
    let paid = payments.run(Command::Receive(receipt(&first, "T1"))).await.unwrap();
    let paid = order_of(paid);
    let order = unknown(&payments, &charged(&payments, "X-2").await).await;
    let rejected = unknown(&payments, &charged(&payments, "X-3").await).await;
    hear(&payments, &rejected, "E1", Said::Rejected).await;
    let day = paid.operating_day.unwrap();
    let close =
        Command::Close { bank: "demo_bank".to_owned(), day, at_us: MORNING_US + 7 * HOUR_US };
    assert!(matches!(payments.run(close).await.unwrap(), Reply::Closed(_)));
    let used = charged(&payments, "X-4").await;
    let used = order_of(payments.run(Command::Receive(receipt(&used, "T4"))).await.unwrap());
    let redeemed = payments.run(redeem(&used, "call-1")).await.unwrap();
    assert!(redeemed.order().is_some(), "{redeemed:?}");
    let used_id = used.id.text();
    let set = |id: &str, sets: &str| {
        format!("UPDATE payment_order SET version = version + 1, {sets} WHERE id = '{id}'")
    };
    let (paid_id, open_id, end_id) = (paid.id.text(), order.id.text(), rejected.id.text());
    let charge = first.id.text();
    let joined = format!("INSERT INTO evidence_joined VALUES ('demo_bank/E9', '{open_id}', 0)");
    house.sql(&joined).unwrap();
    for forbidden in [
        set(paid_id, "amount_tiyn = amount_tiyn + 1"),
        set(paid_id, "bank = 'another'"),
        set(paid_id, "returned_tiyn = amount_tiyn + 1"),
        set(paid_id, "returned_tiyn = -1"),
        set(paid_id, "operating_day = operating_day + 1"),
        set(paid_id, "operating_day = NULL, posted_at_us = NULL, asset = NULL, claim = NULL"),
        set(open_id, "state = 'paid'"),
        set(open_id, "claim = NULL"),
        set(open_id, "asset = 'receivable', claim = 'payable'"),
        set(open_id, "txn_id = 'T1', txn_key = 'demo_bank/T1'"),
        set(open_id, "txn_id = 'T9', txn_key = 'demo_bank/T8'"),
        set(open_id, &format!("charge = '{charge}'")),
        set(open_id, &format!("posted_at_us = {MORNING_US}, operating_day = {}", day.0)),
        set(end_id, "state = 'posted'"),
        set(end_id, "holds = 1"),
        format!("UPDATE payment_order SET reason = 'x' WHERE id = '{open_id}'"),
        set(used_id, "returned_tiyn = 1"),
        format!("UPDATE redemption SET version = version + 1, call = 'x' WHERE id = '{used_id}'"),
        format!("UPDATE redemption SET call = NULL WHERE id = '{used_id}'"),
        format!("INSERT INTO redemption VALUES ('{used_id}', 'x', 'portal', 'extract', 0, 1)"),
        format!("INSERT INTO redemption VALUES ('{open_id}', 'x', 'portal', 'extract', 0, 1)"),
        "DELETE FROM redemption".to_owned(),
        "DELETE FROM payment_order".to_owned(),
        "DELETE FROM order_evidence".to_owned(),
        "UPDATE order_evidence SET said = 'posted'".to_owned(),
        joined,
        "DELETE FROM evidence_joined".to_owned(),
        "UPDATE evidence_joined SET order_id = 'x'".to_owned(),
        "DELETE FROM transfer".to_owned(),
        "UPDATE transfer SET amount_tiyn = 1".to_owned(),
        "UPDATE closing SET orders = 0".to_owned(),
        format!(
            "INSERT INTO transfer VALUES ('{open_id}/9/9', '{open_id}', 'treasury', 'treasury', 1, \
             NULL, 0)"
        ),
        format!("INSERT INTO transfer VALUES ('{open_id}/9/9', '{open_id}', 'a', 'b', 0, NULL, 0)"),
    ] {
        assert!(house.sql(&forbidden).is_err(), "{forbidden}");
    }
    let allowed = set(open_id, "reason = 'an operator looked at it'");
    house.sql(&allowed).unwrap();
}

/// PostgreSQL goes by no index where the two are collated apart, and through the whole table.
pub(crate) async fn what_names_a_row_is_compared_as_that_rows_key(house: &House) {
    drop(house.start().await);
    let named = "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_collation l ON l.oid = a.attcollation WHERE c.relkind = 'r' \
         AND c.relnamespace = 'qaqpa'::regnamespace \
         AND a.attname IN ('order_id', 'charge', 'reverses', 'takes', 'break_id')";
    assert_eq!(house.count(&format!("{named} AND l.collname <> 'C'")), 0);
    assert_eq!(house.count(named), 9);
}
