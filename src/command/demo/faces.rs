//! The demo's other banks: a terminal network, a transfer, a card, and an order whose answer is lost.

use super::installation::Installation;
use super::payment::{HEADERS, Shown, answer, register, text};
use crate::command::client::{Client, Posted};
use crate::command::simulate::wire::BankWire;
use crate::command::{Failure, now_unix_us};
use crate::proxy::trace::Trace;
use qaqpa_kit::adapter::HttpAnswer;
use qaqpa_kit::bank::{About, Ask, Asker, Destination, Notice, Pay, Reaction, Said, Word};
use qaqpa_kit::money::Amount;
use serde_json::json;
use std::time::Duration;

const LOOKS: u32 = 400;
const LOOK_PAUSE: Duration = Duration::from_millis(25);
const AMOUNT_TIYN: i64 = 1_987_500;
/// Who is at the bank's page: no caller of the gateway, so the journal has no entry of it.
pub(super) const PAYER: &str = "payer";
/// Where the bank of cards puts its signature; [`super::scratch`] configures it.
pub(super) const SIGNATURE: &str = "signature-jws";

/// One payment through each of these banks; what was made.
///
/// # Errors
/// A connection failed, or what a bank writes cannot be written.
pub(super) async fn programme(installation: &Installation) -> Result<Vec<Shown>, Failure> {
    let mut all = Vec::new();
    for (title, bank, dialect) in [
        ("paid at a terminal (OSMP)", "terminals", "osmp"),
        ("paid by a transfer (ISO 20022)", "transfers", "iso20022"),
    ] {
        let charge_id = registered(installation).await?;
        let pay = Ask::Pay(Pay {
            // A bank's ids are its own, and no two payments of it share one.
            txn_id: charge_id.chars().filter(char::is_ascii_alphanumeric).collect(),
            account: charge_id.clone(),
            amount: amount()?,
            paid_at: Some(Trace::date(now_unix_us())),
            document_number: None,
            payer: Some(super::calls::KNOWN_IIN.to_owned()),
            to: Destination::default(),
        });
        all.push(asked(installation, title, (bank, dialect), &pay).await?);
        all.push(paid(installation, &charge_id).await?);
    }
    all.extend(by_card(installation).await?);
    all.extend(by_card_in_silence(installation).await?);
    all.extend(with_a_lost_answer(installation).await?);
    Ok(all)
}

fn amount() -> Result<Amount, Failure> {
    Amount::new(AMOUNT_TIYN).map_err(|error| Failure::work(error.reason()))
}

async fn registered(installation: &Installation) -> Result<String, Failure> {
    Ok(text(&answer(&register(installation).await?.posted), "charge_id"))
}

/// What a bank asks in its dialect, and how it reads our answer.
async fn asked(
    installation: &Installation,
    title: &'static str,
    (bank, dialect): (&str, &str),
    ask: &Ask,
) -> Result<Shown, Failure> {
    let unknown = || Failure::work(format!("{dialect} has no question for this"));
    let adapter = qaqpa_adapters::find(dialect).ok_or_else(unknown)?;
    let asker = adapter.provider().and_then(|provider| provider.asker()).ok_or_else(unknown)?;
    let request = asker.ask(ask, &Trace::date(now_unix_us())).ok_or_else(unknown)?;
    let (url, trust) = (installation.base_url(), &*installation.scratch.trust_pem);
    let pair = &installation.scratch.member("bank")?.pair;
    let wire = BankWire::new((url, trust), bank, pair, Some(SIGNATURE))?;
    let (line, posted) = wire.send(request).await?;
    let reading = read(asker, &posted);
    let is_notice = matches!(ask, Ask::Notice(_));
    Ok(Shown {
        title,
        caller: "bank",
        service: if is_notice { "PAY_BankNotice" } else { "PAY_BankPay" },
        request: line,
        told: reading
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |(_, code)| format!("told {code}")),
        is_as_expected: reading.is_some_and(|(reaction, _)| reaction == Reaction::Done),
        posted,
    })
}

fn read(asker: &dyn Asker, posted: &Posted) -> Option<(Reaction, String)> {
    let answer = HttpAnswer { status: posted.http_status, content_type: None, body: &posted.body };
    asker.read(&answer).map(|reading| (reading.reaction, reading.code))
}

/// The payer goes on to the bank's page and pays there; the bank calls back, signed.
async fn by_card(installation: &Installation) -> Result<Vec<Shown>, Failure> {
    let charge_id = registered(installation).await?;
    let (mut all, end_to_end_id) = paid_on_a_page(installation, &charge_id).await?;
    let notice = Notice {
        event_id: format!("{end_to_end_id}/CHARGE"),
        about: About::EndToEnd(end_to_end_id),
        word: Word {
            amount: Some(amount()?),
            posted_at: Some(Trace::date(now_unix_us())),
            ..Word::of(Said::Posted)
        },
    };
    let (title, bank) = ("the bank calls back (card)", ("cards", "acquiring"));
    all.push(asked(installation, title, bank, &Ask::Notice(vec![notice])).await?);
    all.push(paid(installation, &charge_id).await?);
    Ok(all)
}

/// The same without a callback: the bank is asked what became of it.
async fn by_card_in_silence(installation: &Installation) -> Result<Vec<Shown>, Failure> {
    let charge_id = registered(installation).await?;
    let (mut all, _) = paid_on_a_page(installation, &charge_id).await?;
    let payment_id = all.first().map(|opened| text(&answer(&opened.posted), "payment_id"));
    let (title, payment_id) = ("an inquiry finds it (card)", payment_id.unwrap_or_default());
    all.push(until(installation, title, &payment_id, ("state", "posted")).await?);
    Ok(all)
}

/// An invoice, the page that the bank names, and what its payer does there; and the end-to-end id.
async fn paid_on_a_page(
    installation: &Installation,
    charge_id: &str,
) -> Result<(Vec<Shown>, String), Failure> {
    let opened = opened(installation, charge_id, "cards").await?;
    let told = answer(&opened.posted);
    let [payment_id, end_to_end_id] = ["payment_id", "end_to_end_id"].map(|key| text(&told, key));
    let title = "the bank names its page";
    let named = until(installation, title, &payment_id, ("redirect_url", "https://")).await?;
    if !named.is_as_expected {
        return Ok((vec![opened, named], end_to_end_id));
    }
    let url = text(&answer(&named.posted), "redirect_url");
    let pair = &installation.scratch.member("portal")?.pair;
    let payer =
        Client::new(&url, &installation.scratch.trust_pem, Some((&pair.cert_pem, &pair.key_pem)))?;
    let path = url.find("/pay/").and_then(|at| url.get(at..)).unwrap_or_default();
    let posted = payer.post_to(path, &[], Vec::new()).await?;
    let there = Shown {
        title: "the payer pays on it",
        caller: PAYER,
        service: "",
        request: "POST the bank's page".to_owned(),
        told: String::from_utf8_lossy(&posted.body).into_owned(),
        is_as_expected: posted.http_status == 200 && &*posted.body == b"paid",
        posted,
    };
    Ok((vec![opened, named, there], end_to_end_id))
}

/// The bank pays, and its answer never comes: nobody knows, until an inquiry does.
async fn with_a_lost_answer(installation: &Installation) -> Result<[Shown; 3], Failure> {
    let charge_id = registered(installation).await?;
    let opened = opened(installation, &charge_id, "absent").await?;
    let payment_id = text(&answer(&opened.posted), "payment_id");
    let unknown =
        until(installation, "the answer is lost", &payment_id, ("state", "unknown")).await?;
    let posted =
        until(installation, "an inquiry finds it", &payment_id, ("state", "posted")).await?;
    Ok([opened, unknown, posted])
}

async fn opened(
    installation: &Installation,
    charge_id: &str,
    bank: &str,
) -> Result<Shown, Failure> {
    let portal = installation.client("portal")?;
    let body = json!({ "charge_id": charge_id, "bank": bank }).to_string();
    let posted = portal.post_to("/api/v1/payments", &HEADERS, body.into_bytes()).await?;
    let state = text(&answer(&posted), "state");
    Ok(Shown {
        title: "a payment is opened",
        caller: "portal",
        service: "PAY_PaymentCreate",
        request: "POST /api/v1/payments".to_owned(),
        told: format!("state {state:?}"),
        is_as_expected: posted.http_status == 201 && state == "reserved",
        posted,
    })
}

async fn paid(installation: &Installation, charge_id: &str) -> Result<Shown, Failure> {
    let path = format!("/api/v1/charges/{charge_id}");
    let posted = installation.client("portal")?.get(&path).await?;
    let state = text(&answer(&posted), "state");
    Ok(Shown {
        title: "and the duty is paid",
        caller: "portal",
        service: "PAY_ChargeInfo",
        request: format!("GET {path}"),
        told: format!("state {state:?}"),
        is_as_expected: state == "paid",
        posted,
    })
}

/// Looks at a payment until a field begins like this, or has been looked at long enough.
async fn until(
    installation: &Installation,
    title: &'static str,
    payment_id: &str,
    (field, expected): (&str, &str),
) -> Result<Shown, Failure> {
    let portal = installation.client("portal")?;
    let path = format!("/api/v1/payments/{payment_id}");
    let mut posted = portal.get(&path).await?;
    for _ in 0..LOOKS {
        if text(&answer(&posted), field).starts_with(expected) {
            break;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
        posted = portal.get(&path).await?;
    }
    let found = text(&answer(&posted), field);
    let is_as_expected = found.starts_with(expected);
    // Of an address the beginning is enough to see.
    let shown = if field == "state" || !is_as_expected { &*found } else { "https://…" };
    Ok(Shown {
        title,
        caller: "portal",
        service: "PAY_PaymentInfo",
        request: format!("GET {path}"),
        told: format!("{field} {shown:?}"),
        is_as_expected,
        posted,
    })
}
