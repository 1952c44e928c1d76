//! Samples of a bank's dialect: what it asks and is told, and what it is asked and answers.
//!
//! | folder | file | holds |
//! |---|---|---|
//! | `provider/` | `<name>.asked.http` | a line `GET provider?command=…`, headers, an empty line, the body |
//! | | `<name>.told.toml` | our answer in words; none where the request cannot be read |
//! | `submit/`, `inquire/` | `<name>.order.toml` | where the order is not the usual one |
//! | | `<name>.answer.http` | the bank's answer: `200 application/xml`, an empty line, the body |
//! | `register/` | `<name>.register.csv` | a register with the columns of `adapter.toml`; the gateway reads it |
//! | all | `<name>.expected.txt` | what the adapter makes of it, byte for byte |

use super::{Sample, read_http, same, show_sent};
use crate::adapter::{Adapter, Outgoing};
use crate::bank::{Ask, Asked, Order, Placement, Told, Verdict};
use crate::money::Amount;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The folders of an adapter's abilities as a bank.
pub(super) fn folders(adapter: &dyn Adapter) -> Vec<String> {
    let mut folders = Vec::new();
    if adapter.provider().is_some() {
        folders.push("provider".to_owned());
    }
    if adapter.teller().is_some() {
        folders.extend(["submit", "inquire"].map(str::to_owned));
    }
    if adapter.manifest().register.is_some() {
        folders.push("register".to_owned());
    }
    folders
}

/// Runs one sample, if the folder is one of a bank.
pub(super) fn run(
    adapter: &dyn Adapter,
    folder: &str,
    sample: &Sample,
) -> Option<Result<(), String>> {
    match folder {
        "provider" => adapter.provider().map(|_| asked(adapter, sample)),
        // Files are the gateway's to read; here it is seen that both halves of the sample are there.
        "register" => adapter.manifest().register.as_ref().map(|columns| {
            // In the bank's own encoding, which need not be UTF-8.
            if !sample.contains_key("register.csv") {
                return Err("register.csv is missing".to_owned());
            }
            text(sample, "expected.txt")?;
            columns.check()
        }),
        "submit" | "inquire" => adapter.teller().map(|_| told(adapter, folder, sample)),
        _ => None,
    }
}

/// Our answer in words, but for what the gateway takes from the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlTold {
    verdict: Verdict,
    comment: String,
    amount: Option<String>,
    end_to_end_id: Option<String>,
    payee_bin: Option<String>,
    purpose: Option<String>,
}

impl TomlTold {
    fn told(self, txn_id: &str) -> Result<Told, String> {
        Ok(Told {
            txn_id: txn_id.to_owned(),
            end_to_end_id: self.end_to_end_id,
            amount: self.amount.as_deref().map(amount).transpose()?,
            payee_bin: self.payee_bin,
            purpose: self.purpose,
            ..Told::of(self.verdict, &self.comment)
        })
    }
}

fn asked(adapter: &dyn Adapter, sample: &Sample) -> Result<(), String> {
    let provider = adapter.provider().ok_or("no provider")?;
    let request = text(sample, "asked.http")?;
    let (head, body) = request.split_once("\n\n").unwrap_or((request.trim_end_matches('\n'), ""));
    let mut lines = head.lines();
    let (method, target) =
        lines.next().and_then(|line| line.split_once(' ')).ok_or("no request line")?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let header = |name: &str| headers.iter().find(|header| header.0 == name).map(|header| header.1);
    let asked = Asked {
        method,
        path,
        query,
        content_type: header("Content-Type"),
        accept: header("Accept"),
        placement: Placement::usual(),
        body: body.strip_suffix('\n').unwrap_or(body).as_bytes(),
    };
    let (shown, told) = match provider.read(&asked) {
        Err(fault) if !sample.contains_key("told.toml") => {
            (fault.public_line(), Told::fault(&fault))
        }
        Err(fault) => return Err(format!("nothing is told of what cannot be read: {fault}")),
        Ok(ask) => {
            let txn_id = match &ask {
                Ask::Check { txn_id, .. } => txn_id,
                Ask::Pay(pay) => &pay.txn_id,
                Ask::Notice(_) => "",
            };
            let told = toml::<TomlTold>(text(sample, "told.toml")?)?.told(txn_id)?;
            (format!("{ask:#?}"), told)
        }
    };
    let answer = provider.write(&asked, &told);
    let actual = format!(
        "-- asked\n{shown}\n-- answer\n{} {}\n{}\n",
        answer.status,
        answer.content_type,
        String::from_utf8_lossy(&answer.body).trim_end_matches('\n')
    );
    same(text(sample, "expected.txt")?, &actual)
}

/// The order that every sample is about, unless it says otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TomlOrder {
    end_to_end_id: String,
    amount: String,
    payer: String,
    payee: String,
    iban: String,
    kbk: String,
    knp: String,
    kbe: String,
    purpose: String,
    bic: String,
    opened_at: String,
    reverses: Option<String>,
}

impl Default for TomlOrder {
    fn default() -> Self {
        let [end_to_end_id, amount] = ["GW0199c3d2a9a77b558a0e1c2d3e4f5a6b", "19875.00"];
        let [payer, payee, iban] = ["900101300017", "990140000017", "KZ24070105KSN0000000"];
        let purpose = "Мемлекеттік баж / Государственная пошлина";
        let opened_at = "2026-11-22T14:30:05+05:00";
        Self {
            end_to_end_id: end_to_end_id.to_owned(),
            amount: amount.to_owned(),
            payer: payer.to_owned(),
            payee: payee.to_owned(),
            iban: iban.to_owned(),
            kbk: "108125".to_owned(),
            knp: "911".to_owned(),
            kbe: "11".to_owned(),
            purpose: purpose.to_owned(),
            bic: "BANKKZ9A".to_owned(),
            opened_at: opened_at.to_owned(),
            reverses: None,
        }
    }
}

fn told(adapter: &dyn Adapter, folder: &str, sample: &Sample) -> Result<(), String> {
    let teller = adapter.teller().ok_or("no teller")?;
    let raw: TomlOrder = match sample.contains_key("order.toml") {
        true => toml(text(sample, "order.toml")?)?,
        false => TomlOrder::default(),
    };
    let order = raw.order()?;
    let is_submission = folder == "submit";
    let sent = if is_submission { teller.submit(&order) } else { teller.inquire(&order) };
    let sent = sent.map(Outgoing::Http);
    let mut actual = format!("-- sent\n{}", show_sent(&sent));
    match (sent, sample.get("answer.http")) {
        (Ok(_), Some(http)) => {
            let answer = read_http(http)?;
            let word = match is_submission {
                true => teller.submitted(&order, &answer),
                false => teller.inquired(&order, &answer),
            };
            let shown = match word {
                Ok(word) => format!("{word:#?}"),
                Err(fault) => fault.public_line(),
            };
            actual.push_str(&format!("-- word\n{shown}\n"));
        }
        (Err(_), None) => {}
        _ => return Err("exactly one answer is due, and none when nothing is sent".to_owned()),
    }
    same(text(sample, "expected.txt")?, &actual)
}

impl TomlOrder {
    fn order(&self) -> Result<Order<'_>, String> {
        Ok(Order {
            end_to_end_id: &self.end_to_end_id,
            amount: amount(&self.amount)?,
            payer: &self.payer,
            payee: &self.payee,
            iban: &self.iban,
            kbk: &self.kbk,
            knp: &self.knp,
            kbe: &self.kbe,
            purpose: &self.purpose,
            bic: &self.bic,
            opened_at: &self.opened_at,
            reverses: self.reverses.as_deref(),
            placement: Placement::usual(),
        })
    }
}

fn amount(text: &str) -> Result<Amount, String> {
    Amount::parse(text).map_err(|error| format!("{text:?}: {}", error.reason()))
}

fn toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn text<'s>(sample: &'s Sample, part: &str) -> Result<&'s str, String> {
    let bytes = sample.get(part).ok_or_else(|| format!("{part} is missing"))?;
    str::from_utf8(bytes).map_err(|error| format!("{part}: {error}"))
}
