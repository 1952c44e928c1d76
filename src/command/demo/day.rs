//! The end of an operating day in the demo: the bank's register comes in with differences, and each is found.

use super::calls::KNOWN_IIN;
use super::installation::Installation;
use super::show::{closed, say};
use crate::command::{Failure, check, client::Posted, now_unix_us};
use crate::config::settings::Bank;
use crate::payments::calendar::OperatingDay;
use aws_lc_rs::digest::{SHA256, digest};
use jiff::ToSpan;
use qaqpa_kit::hex;
use qaqpa_kit::money::Tiyn;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const AMOUNT_TIYN: i64 = 1_987_500;
const SUM: &str = "19875.00";
/// Payments of the day.
const PAYMENTS: usize = 6;
/// How often the run is looked at, and the pause between two looks.
const LOOKS: u32 = 600;
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// What the register below must lead to.
const EXPECTED: [(&str, u64); 4] = [
    ("AMOUNT_MISMATCH", 1),
    ("DUPLICATE_IN_BANK", 1),
    ("MISSING_IN_BANK", 1),
    ("MISSING_IN_GATEWAY", 1),
];

/// Ends the last operating day that is over; `true` if every difference was found and none invented.
///
/// # Errors
/// A connection failed, or the run did not end in time.
pub(super) async fn programme(installation: &Installation, is_json: bool) -> Result<bool, Failure> {
    let gate = &installation.running.gate;
    let (Some(bank), Some(payments)) = (gate.settings.payments.banks.get("demo"), gate.payments())
    else {
        return Err(Failure::work("the demo has no bank"));
    };
    let day = last_day(bank)?;
    if payments.closing(&bank.id, day).await.map_err(Failure::work)?.is_some() {
        // Its state was kept: what a closed day holds does not change any more.
        return Ok(true);
    }
    let mut ids = Vec::new();
    for number in 0..PAYMENTS {
        ids.push(payment(installation, day, number).await?);
    }
    let register = register(bank, day, &ids);
    let client = installation.client("bank")?;
    let path = "/api/v1/registers/demo";
    let uploaded = client.post_to(path, &[("content-type", "text/csv")], register).await?;
    let run = text(&answer(&uploaded), "run");
    let path = format!("/api/v1/registers/{run}");
    let mut looked = client.get(&path).await?;
    for _ in 0..LOOKS {
        if ["done", "refused"].contains(&text(&answer(&looked), "state").as_str()) {
            break;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
        looked = client.get(&path).await?;
    }
    let told = answer(&looked);
    let expected: Value = json!(std::collections::BTreeMap::from(EXPECTED));
    let is_as_expected = uploaded.http_status == 202
        && told.get("breaks") == Some(&expected)
        && told.get("matched") == Some(&json!(PAYMENTS - 2));
    if is_json {
        say(&line(installation, &uploaded).await?)?;
        say(&line(installation, &looked).await?)?;
        return Ok(is_as_expected);
    }
    let reports = gate.settings.reconcile.as_ref().map(|it| it.reports(&bank.id, &run));
    say(&shown(&told, reports.as_deref(), is_as_expected))?;
    Ok(is_as_expected)
}

/// The bank's last operating day that takes no payments any more.
fn last_day(bank: &Bank) -> Result<OperatingDay, Failure> {
    let today = bank.operating_day(now_unix_us()).date();
    let before = (1..60).map(|days| today.saturating_sub(days.days()));
    let day = before.into_iter().find(|date| bank.is_operating(*date));
    day.map(OperatingDay::of).ok_or_else(|| Failure::work("the bank has no operating days"))
}

/// A charge, paid at the bank at ten in the morning of that day; its id at both sides.
async fn payment(
    installation: &Installation,
    day: OperatingDay,
    number: usize,
) -> Result<String, Failure> {
    let terms = json!({
        "payer_iin": KNOWN_IIN,
        "payee_bin": "190540007715",
        "kbk": "108125",
        "knp": "911",
        "amount_tiyn": AMOUNT_TIYN,
        "purpose": { "kk": "Мемлекеттік баж", "ru": "Государственная пошлина", "en": "State duty" },
    });
    let headers = [("content-type", "application/json")];
    let portal = installation.client("portal")?;
    let made = portal.post_to("/api/v1/charges", &headers, terms.to_string().into_bytes()).await?;
    let charge_id = text(&answer(&made), "charge_id");
    let date = day.date().strftime("%Y%m%d");
    let path = format!(
        "/bank/demo/provider?command=pay&txn_id={charge_id}-1&txn_date={date}10000{number}\
         &account={charge_id}&sum={SUM}"
    );
    let paid = installation.client("bank")?.get(&path).await?;
    let id = text(&answer(&paid), "prv_txn_id");
    if id.is_empty() {
        let told = String::from_utf8_lossy(&paid.body).into_owned();
        return Err(Failure::work(format!("the demo's payment: {} {told}", paid.http_status)));
    }
    Ok(id)
}

/// The bank's register: one amount is another, one payment stands twice, one is missing, and one is known
/// to the bank alone.
fn register(bank: &Bank, day: OperatingDay, ids: &[String]) -> Vec<u8> {
    let unknown = format!("GW{:032}", 0);
    let rows = ids.iter().enumerate().flat_map(|(number, id)| match number {
        0 => vec![(id.as_str(), AMOUNT_TIYN + 100)],
        1 => vec![(id.as_str(), AMOUNT_TIYN); 2],
        2 => vec![(unknown.as_str(), 500_000)],
        _ => vec![(id.as_str(), AMOUNT_TIYN)],
    });
    let rows: Vec<(&str, i64)> = rows.collect();
    let (count, sum) = (rows.len(), rows.iter().map(|(_, tiyn)| tiyn).sum::<i64>());
    let mut whole =
        format!("#register;v=1;bank={};opdate={day};count={count};sum={sum};enc=utf-8\n", bank.bic);
    for (number, (id, tiyn)) in rows.iter().enumerate() {
        whole += &format!(
            "{id};{};{KNOWN_IIN};190540007715;108125;911;{tiyn};KZT;POSTED;{day}T10:00:00+05:00;\
             {day};CLEARING\n",
            47_000_001 + number
        );
    }
    let sha256 = hex::lower(digest(&SHA256, whole.as_bytes()).as_ref());
    format!("{whole}#end;sha256={sha256}\n").into_bytes()
}

fn answer(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body).unwrap_or_default()
}

fn text(answer: &Value, field: &str) -> String {
    answer.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The keys of every line of the demo.
async fn line(installation: &Installation, posted: &Posted) -> Result<Value, Failure> {
    let closed = closed(installation, "the end of the day", posted).await?;
    Ok(json!({
        "service": "PAY_BankNotice",
        "caller": "bank",
        "outcome": closed.outcome,
        "fault": closed.fault_code,
        "http_status": posted.http_status,
        "ms": (posted.elapsed.as_secs_f64() * 1e6).round() / 1000.0,
    }))
}

fn shown(told: &Value, reports: Option<&Path>, is_as_expected: bool) -> String {
    let number = |pointer: &str| told.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let mut table = check::table(["end of the operating day", "rows", "tenge"]);
    for (name, rows, sum) in [
        ("gateway's journal", "/rows/journal", "/sums/journal"),
        ("bank's register", "/rows/register", "/sums/register"),
        ("matched", "/matched", "/sums/matched"),
    ] {
        let tenge = Tiyn::new(number(sum)).to_string();
        table.add_row([name.to_owned(), number(rows).to_string(), tenge]);
    }
    for (category, count) in told.get("breaks").and_then(Value::as_object).into_iter().flatten() {
        table.add_row([category.clone(), count.to_string(), String::new()]);
    }
    let day = text(told, "opdate");
    let verdict = if is_as_expected { "as expected" } else { "NOT as expected" };
    let path = reports.map(|path| path.display().to_string()).unwrap_or_default();
    format!("{}\n{day}: {verdict}; page, workbook and lists: {path}", table.trim_fmt())
}
