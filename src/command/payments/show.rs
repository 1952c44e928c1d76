//! Payments as an operator reads them: identifiers of people masked, tables for people, JSON for programs.

use super::down;
use crate::command::{Failure, check, now_unix_us};
use crate::payments::Payments;
use crate::payments::calendar::country_time;
use crate::payments::record::{Heard, Id, Notice, Order, Transfer};
use qaqpa_kit::money::Tiyn;
use serde::Serialize;
use serde_json::{Value, json};

/// A payment as an operator sees it: identifiers of people masked.
#[derive(Serialize)]
struct Line<'o> {
    payment: &'o str,
    state: &'static str,
    bank: &'o str,
    amount: String,
    payer: String,
    end_to_end_id: &'o str,
    txn_id: Option<&'o str>,
    /// Which node made the last attempt.
    owner: &'o str,
    age_s: i64,
    next_check: Option<String>,
    reason: &'o str,
}

impl<'o> Line<'o> {
    fn of(order: &'o Order, at_us: i64) -> Self {
        Self {
            payment: order.id.text(),
            state: order.state.word(),
            bank: &order.bank,
            amount: Tiyn::new(order.amount_tiyn).to_string(),
            payer: order.payer.to_string(),
            end_to_end_id: &order.end_to_end_id,
            txn_id: order.txn_id.as_deref(),
            owner: &order.node,
            age_s: (at_us - order.changed_at_us).max(0) / 1_000_000,
            next_check: order.next_check_at_us.map(country_time),
            reason: &order.reason,
        }
    }
}

pub(super) fn list(orders: &[Order], is_json: bool, at_us: i64) -> String {
    let lines: Vec<Line<'_>> = orders.iter().map(|order| Line::of(order, at_us)).collect();
    if is_json {
        return lines.iter().map(|line| json!(line).to_string()).collect::<Vec<_>>().join("\n");
    }
    if lines.is_empty() {
        return "none".to_owned();
    }
    let mut table =
        check::table(["payment", "state", "bank", "tenge", "payer", "age, s", "next check", "why"]);
    for line in lines {
        table.add_row([
            line.payment,
            line.state,
            line.bank,
            &line.amount,
            &line.payer,
            &line.age_s.to_string(),
            line.next_check.as_deref().unwrap_or("an operator must rule"),
            line.reason,
        ]);
    }
    table.trim_fmt()
}

/// Dead letters, oldest first.
pub(super) fn letters(dead: &[Notice], is_json: bool) -> String {
    if is_json {
        return dead.iter().map(|dead| json!(dead).to_string()).collect::<Vec<_>>().join("\n");
    }
    if dead.is_empty() {
        return "none".to_owned();
    }
    let mut table = check::table(["notice", "to", "state", "attempts", "given up"]);
    for dead in dead {
        table.add_row([
            dead.id.clone(),
            dead.recipient.clone(),
            dead.state.word().to_owned(),
            dead.attempts.to_string(),
            dead.dead_at_us.map(country_time).unwrap_or_default(),
        ]);
    }
    table.trim_fmt()
}

pub(super) async fn show(payments: &Payments, id: &Id, is_json: bool) -> Result<String, Failure> {
    let order = payments.order(id).await.map_err(down)?;
    let order = order.ok_or_else(|| Failure::work("there is no such payment"))?;
    let heard = payments.evidence(id).await.map_err(down)?;
    let transfers = payments.transfers(id).await.map_err(down)?;
    let line = Line::of(&order, now_unix_us());
    if is_json {
        let said: Vec<Value> = heard.iter().map(said).collect();
        let moved: Vec<Value> = transfers.iter().map(moved).collect();
        return Ok(json!({ "payment": line, "said": said, "moved": moved }).to_string());
    }
    let mut table = check::table(["when", "what", "", ""]);
    let mut row = |when: &str, what: &str, one: &str, two: &str| {
        table.add_row([when, what, one, two]);
    };
    row("", line.state, &line.amount, &line.payer);
    row(&country_time(order.opened_at_us), "opened", line.bank, line.end_to_end_id);
    for heard in &heard {
        let source = format!("{:?}", heard.source).to_lowercase();
        let what = format!("{:?} by {source}", heard.said).to_lowercase();
        row(&country_time(heard.heard_at_us), &what, &heard.id, &heard.note);
    }
    for transfer in &transfers {
        let way = format!("{} ← {}", masked(&transfer.debit), masked(&transfer.credit));
        let amount = Tiyn::new(transfer.amount_tiyn).to_string();
        row(&country_time(transfer.moved_at_us), "moved", &amount, &way);
    }
    Ok(table.trim_fmt())
}

fn masked(account: &str) -> String {
    qaqpa_kit::redact::ids(account).into_owned()
}

fn said(heard: &Heard) -> Value {
    json!({
        "event": heard.id, "said": heard.said, "by": heard.source, "note": heard.note,
        "amount_tiyn": heard.amount_tiyn, "at": country_time(heard.heard_at_us),
    })
}

fn moved(transfer: &Transfer) -> Value {
    json!({
        "debit": masked(&transfer.debit), "credit": masked(&transfer.credit),
        "amount_tiyn": transfer.amount_tiyn, "at": country_time(transfer.moved_at_us),
    })
}
