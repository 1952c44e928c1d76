//! The demo's payment: a duty is registered, paid at a bank that repeats itself, and paid once too often.

use super::installation::Installation;
use super::show::{closed, say};
use crate::command::{Failure, client::Posted};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde_json::{Value, json};

/// What is to be paid, in tiyn, and the same as banks write it.
const AMOUNT_TIYN: i64 = 1_987_500;
const SUM: &str = "19875.00";

/// One step, and what must come out.
struct Step {
    title: &'static str,
    caller: &'static str,
    /// The service of the payments desk that the request spells.
    service: &'static str,
    request: String,
    http_status: u16,
    /// The field of the answer that tells, and what it must be.
    told: (&'static str, Value),
    /// The bytes must be those of the step before.
    is_repeated: bool,
}

/// A step that was made.
pub(super) struct Shown {
    pub(super) title: &'static str,
    pub(super) caller: &'static str,
    pub(super) service: &'static str,
    pub(super) request: String,
    pub(super) posted: Posted,
    /// What the answer says, for people.
    pub(super) told: String,
    pub(super) is_as_expected: bool,
}

/// Makes every step and shows it; `true` if each ended as expected.
///
/// # Errors
/// A connection failed.
pub(super) async fn programme(installation: &Installation, is_json: bool) -> Result<bool, Failure> {
    let first = register(installation).await?;
    let charge_id = text(&answer(&first.posted), "charge_id");
    let mut all = vec![first];
    for step in steps(&charge_id) {
        let client = installation.client(step.caller)?;
        let path = step.request.strip_prefix("GET ").unwrap_or_default();
        let posted = client.get(path).await?;
        let before = all.last();
        let shown = judged(step, posted, before);
        all.push(shown);
    }
    all.extend(super::faces::programme(installation).await?);
    if is_json {
        for shown in all.iter().filter(|shown| shown.caller != super::faces::PAYER) {
            say(&json_line(installation, shown).await?)?;
        }
    } else {
        say(&table(&all))?;
    }
    Ok(all.iter().all(|shown| shown.is_as_expected))
}

pub(super) const HEADERS: [(&str, &str); 1] = [("content-type", "application/json")];

/// Registers a new duty.
///
/// # Errors
/// A connection failed.
pub(super) async fn register(installation: &Installation) -> Result<Shown, Failure> {
    let portal = installation.client("portal")?;
    let made = portal.post_to("/api/v1/charges", &HEADERS, terms().into_bytes()).await?;
    let step = Step {
        title: "a duty is registered",
        caller: "portal",
        service: "PAY_ChargeRegister",
        request: "POST /api/v1/charges".to_owned(),
        http_status: 201,
        told: ("state", json!("open")),
        is_repeated: false,
    };
    Ok(judged(step, made, None))
}

fn terms() -> String {
    json!({
        "payer_iin": super::calls::KNOWN_IIN,
        "payee_bin": "190540007715",
        "kbk": "108125",
        "knp": "911",
        "amount_tiyn": AMOUNT_TIYN,
        "purpose": { "kk": "Мемлекеттік баж", "ru": "Государственная пошлина", "en": "State duty" },
    })
    .to_string()
}

/// What follows the registration; a bank's ids of payments are its own, so each charge has its own.
fn steps(charge_id: &str) -> [Step; 5] {
    let bank = |title, command: &str, number: &str, told, is_repeated| Step {
        title,
        caller: "bank",
        service: if command == "pay" { "PAY_BankPay" } else { "PAY_BankCheck" },
        request: format!(
            "GET /bank/demo/provider?command={command}&txn_id={charge_id}-{number}\
             &account={charge_id}&sum={SUM}"
        ),
        http_status: 200,
        told: ("result", json!(told)),
        is_repeated,
    };
    [
        bank("the bank asks what is due", "check", "0", 0, false),
        bank("the payer pays there", "pay", "1", 0, false),
        bank("the bank repeats itself", "pay", "1", 0, true),
        bank("the payer pays again", "pay", "2", 0, false),
        Step {
            title: "paid once; the rest in suspense",
            caller: "portal",
            service: "PAY_ChargeInfo",
            request: format!("GET /api/v1/charges/{charge_id}"),
            http_status: 200,
            told: ("suspense_tiyn", json!(AMOUNT_TIYN)),
            is_repeated: false,
        },
    ]
}

fn judged(step: Step, posted: Posted, before: Option<&Shown>) -> Shown {
    let answer = answer(&posted);
    let (field, expected) = &step.told;
    let is_same = !step.is_repeated || before.is_some_and(|one| one.posted.body == posted.body);
    let is_as_expected =
        posted.http_status == step.http_status && answer.get(field) == Some(expected) && is_same;
    let told = format!("{field} {}", answer.get(field).cloned().unwrap_or_default());
    let Step { title, caller, service, request, .. } = step;
    Shown { title, caller, service, request, posted, told, is_as_expected }
}

pub(super) fn answer(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body).unwrap_or_default()
}

pub(super) fn text(answer: &Value, field: &str) -> String {
    answer.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The keys of every line of the demo.
async fn json_line(installation: &Installation, shown: &Shown) -> Result<Value, Failure> {
    let closed = closed(installation, shown.title, &shown.posted).await?;
    Ok(json!({
        "service": shown.service,
        "caller": shown.caller,
        "outcome": closed.outcome,
        "fault": closed.fault_code,
        "http_status": shown.posted.http_status,
        "ms": (shown.posted.elapsed.as_secs_f64() * 1e6).round() / 1000.0,
    }))
}

fn table(all: &[Shown]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "payment",
        "caller",
        "request",
        "HTTP",
        "told",
        "ms",
        "as expected",
    ]);
    for shown in all {
        let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let request = shown.request.split('?').next().unwrap_or_default();
        let command = shown.request.split(['?', '&']).nth(1).filter(|_| request.contains("bank"));
        table.add_row([
            Cell::new(shown.title),
            Cell::new(shown.caller),
            Cell::new(command.map_or(short(request), |command| format!("{request}?{command}"))),
            number(shown.posted.http_status.to_string()),
            Cell::new(&shown.told),
            number(format!("{:.1}", shown.posted.elapsed.as_secs_f64() * 1000.0)),
            Cell::new(if shown.is_as_expected { "yes" } else { "NO" }),
        ]);
    }
    table
}

/// A path without the id at its end, which says nothing to a reader.
fn short(request: &str) -> String {
    for list in ["/charges/", "/payments/"] {
        if let Some((head, _)) = request.rsplit_once(list) {
            return format!("{head}{list}…");
        }
    }
    request.to_owned()
}
