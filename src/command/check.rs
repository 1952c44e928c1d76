//! `qaqpa check`: every mistake of a configuration at once, or what it amounts to.

use super::Failure;
use crate::config::check::{Inspection, SeenCertificate};
use crate::config::settings::Settings;
use crate::config::{self, ConfigErrors, Finding};
use comfy_table::{LineStyle, Row, Table, presets};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const DAY_S: i64 = 86_400;
/// From this many days before a certificate's end, it is warned of.
const DAYS_WARNED: i64 = 30;

/// Check a configuration and say everything that is wrong with it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that holds gateway.toml, services.toml and participants/, or its gateway.toml.
    #[arg(long, default_value = "config", value_name = "FOLDER|FILE")]
    config: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Checks the configuration; nothing is started and nothing is written.
///
/// # Errors
/// None: mistakes are printed, and the exit code is 78.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let now_unix_s = Timestamp::now().as_second();
    let name = args.config.display().to_string();
    match config::inspect(&args.config) {
        Ok(inspection) => {
            if args.json {
                print(&format!("{:#}", valid_json(&inspection, now_unix_s)));
            } else {
                print(&valid_text(&name, &inspection, now_unix_s));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(errors) => {
            if args.json {
                print(&format!("{:#}", json!({ "valid": false, "errors": errors })));
            } else {
                eprintln!("{}", invalid_text(&errors));
            }
            Ok(ExitCode::from(78))
        }
    }
}

/// Prints the answer and ends its line.
pub(super) fn print(text: &str) {
    // A closed pipe is the reader's choice, not a failure.
    let _written = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// An empty table with a line below its header.
pub(super) fn table(header: impl Into<Row>) -> Table {
    let mut table = Table::new();
    let below = LineStyle::none().fill('─').junction('─');
    table.load_style(presets::NOTHING.header_separator(below));
    table.set_header(header);
    table
}

fn invalid_text(errors: &ConfigErrors) -> String {
    let many = errors.findings().len();
    format!("{errors}\n{many} {}", if many == 1 { "mistake" } else { "mistakes" })
}

fn valid_text(name: &str, inspection: &Inspection, now_unix_s: i64) -> String {
    let settings = &inspection.settings;
    let routes: usize = settings.services.values().map(Vec::len).sum();
    let (participants, agencies) = (settings.participants.len(), settings.agencies.len());
    let mut text = format!(
        "{name} is valid: {participants} participants × {} services ({routes} routes) of {agencies} \
         agencies\n\n",
        settings.services.len()
    );
    let certificates = &inspection.certificates;
    let tables = [
        access_table(settings),
        certificate_table(certificates, now_unix_s),
        trust_table(certificates),
    ];
    for table in tables {
        text += &format!("{}\n\n", table.trim_fmt());
    }
    for finding in warnings(inspection, now_unix_s) {
        text += &format!("warning: {finding}\n");
    }
    text
}

fn access_table(settings: &Settings) -> Table {
    let mut participants: Vec<_> = settings.participants.values().collect();
    participants.sort_by(|one, other| one.id.cmp(&other.id));
    let mut table =
        table(["participant", "senderId", "may call", "a second, burst, at once", "proof"]);
    for participant in participants {
        let quota = participant.quota;
        let services = match participant.services.as_slice() {
            [] => "nothing".to_owned(),
            services if services.iter().any(|service| service == "*") => "all".to_owned(),
            services => services.join("\n"),
        };
        table.add_row([
            participant.id.clone(),
            participant.sender_id.clone(),
            services,
            format!("{}, {}, {}", quota.per_second, quota.burst, quota.in_flight_max),
            proof(participant),
        ]);
    }
    table
}

/// What a participant proves itself with, and what it may leave out.
fn proof(participant: &config::settings::Participant) -> String {
    let certificates = participant.certificates.len();
    [
        (certificates > 0, format!("{certificates} certificates")),
        (participant.bin.is_some(), "BIN".to_owned()),
        (participant.password.is_some(), "password".to_owned()),
        (participant.accept_unsigned, "may be unsigned".to_owned()),
        (participant.accept_bare, "may be bare".to_owned()),
    ]
    .into_iter()
    .filter_map(|(is_so, word)| is_so.then_some(word))
    .collect::<Vec<_>>()
    .join("\n")
}

fn certificate_table(certificates: &[SeenCertificate], now_unix_s: i64) -> Table {
    let mut table = table(["certificate of", "file", "until", "days left"]);
    for certificate in certificates {
        table.add_row([
            certificate.owner.clone(),
            certificate.source.clone(),
            day(certificate.until_unix_s),
            days_left(certificate, now_unix_s).to_string(),
        ]);
    }
    table
}

/// Whom the gateway believes: to be compared with what each authority made public.
fn trust_table(certificates: &[SeenCertificate]) -> Table {
    let mut table = table(["believed", "SHA-256"]);
    for certificate in certificates.iter().filter(|certificate| certificate.owner == "trust") {
        table.add_row([certificate.source.clone(), certificate.sha256.clone()]);
    }
    table
}

/// The warnings of the configuration, and those that only time brings.
fn warnings(inspection: &Inspection, now_unix_s: i64) -> Vec<String> {
    let ending = inspection.certificates.iter().filter_map(|certificate| {
        let SeenCertificate { owner, source, until_unix_s, .. } = certificate;
        let end = match days_left(certificate, now_unix_s) {
            ..0 => "has ended",
            0 | 1 => "ends within a day",
            2..=7 => "ends within 7 days",
            8..=DAYS_WARNED => "ends within 30 days",
            _ => return None,
        };
        Some(format!("certificate {source} of {owner} {end} ({})", day(*until_unix_s)))
    });
    inspection.warnings.iter().map(Finding::to_string).chain(ending).collect()
}

/// Whole days until its end, negative after it.
fn days_left(certificate: &SeenCertificate, now_unix_s: i64) -> i64 {
    (certificate.until_unix_s - now_unix_s).div_euclid(DAY_S)
}

fn day(unix_s: i64) -> String {
    let zone = TimeZone::fixed(Offset::constant(5));
    Timestamp::from_second(unix_s)
        .map(|at| at.to_zoned(zone).date().to_string())
        .unwrap_or_else(|_| "never".to_owned())
}

fn valid_json(inspection: &Inspection, now_unix_s: i64) -> Value {
    let settings = &inspection.settings;
    let certificates: Vec<Value> = (inspection.certificates.iter())
        .map(|certificate| {
            json!({
                "owner": certificate.owner,
                "source": certificate.source,
                "sha256": certificate.sha256,
                "until": day(certificate.until_unix_s),
                "days_left": days_left(certificate, now_unix_s),
            })
        })
        .collect();
    let mut participants: Vec<Value> = (settings.participants.values())
        .map(|participant| {
            json!({
                "id": participant.id,
                "sender_id": participant.sender_id,
                "services": participant.services,
            })
        })
        .collect();
    participants.sort_by_key(|participant| participant["id"].to_string());
    json!({
        "valid": true,
        "participants": participants,
        "agencies": settings.agencies.len(),
        "services": settings.services.len(),
        "certificates": certificates,
        "warnings": warnings(inspection, now_unix_s),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_warned_of_at_30_7_and_1_days_and_after_its_end() {
        let days = |days: i64| SeenCertificate {
            until_unix_s: 1_000_000_000 + days * DAY_S + 5,
            owner: "participant demo".to_owned(),
            source: format!("{days}.pem"),
            sha256: String::new(),
        };
        assert_eq!(days_left(&days(0), 1_000_000_000), 0);
        assert_eq!(days_left(&days(-1), 1_000_000_000), -1);
        assert_eq!(day(1_767_207_600), "2026-01-01");
        let inspection = Inspection {
            settings: crate::config::check::tests::smallest(),
            warnings: Vec::new(),
            certificates: [-1, 0, 7, 30, 31].map(days).to_vec(),
            files: Vec::new(),
        };
        let told = warnings(&inspection, 1_000_000_000);
        for (text, end) in told.iter().zip(["has ended", "a day", "7 days", "30 days"]) {
            assert!(text.contains(end), "{text}");
        }
        assert_eq!(told.len(), 4, "31 days are enough");
    }
}
