//! `qaqpa agencies`: which agencies this build speaks to, their services, and what their codes mean.

use super::{Failure, check};
use crate::config;
use crate::config::settings::{Service, Settings};
use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::fault::Language;
use qaqpa_kit::manifest::{ServiceManifest, Wire};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// List agencies, their services and what their codes mean.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List what this installation offers, instead of all that this build could.
    #[arg(long, value_name = "FOLDER|FILE")]
    config: Option<PathBuf>,
    /// Language of names: kk, ru or en.
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// One service of one agency; `here` is what the installation adds.
struct Line<'l> {
    agency: &'l str,
    adapter: &'l dyn Adapter,
    manifest: &'l ServiceManifest,
    here: Option<&'l Service>,
}

/// Prints the table.
///
/// # Errors
/// The configuration has mistakes (78).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let settings = match &args.config {
        Some(path) => Some(config::load(path).map_err(Failure::configuration)?),
        None => None,
    };
    let adapters = qaqpa_adapters::all();
    let lines = match &settings {
        Some(settings) => installed(settings),
        None => built(&adapters),
    };
    if args.json {
        let lines: Vec<Value> = lines.iter().map(|line| line.json()).collect();
        check::print(&format!("{:#}", Value::from(lines)));
    } else {
        check::print(&shown(&lines, args.language));
    }
    Ok(ExitCode::SUCCESS)
}

fn language(word: &str) -> Result<Language, String> {
    match word {
        "kk" => Ok(Language::Kk),
        "ru" => Ok(Language::Ru),
        "en" => Ok(Language::En),
        _ => Err("kk, ru or en".to_owned()),
    }
}

fn built(adapters: &[Arc<dyn Adapter>]) -> Vec<Line<'_>> {
    let lines = adapters.iter().flat_map(|adapter| {
        adapter.manifest().services.iter().map(|manifest| Line {
            agency: &adapter.manifest().id,
            adapter: adapter.as_ref(),
            manifest,
            here: None,
        })
    });
    lines.collect()
}

fn installed(settings: &Settings) -> Vec<Line<'_>> {
    let mut lines: Vec<_> = (settings.services.values().flatten())
        .map(|service| Line {
            agency: &service.agency.id,
            adapter: service.agency.adapter.as_ref(),
            manifest: &service.manifest,
            here: Some(service),
        })
        .collect();
    lines.sort_by_key(|line| (line.agency, &line.manifest.id));
    lines
}

impl Line<'_> {
    fn wire(&self) -> &'static str {
        match self.adapter.manifest().wire {
            Wire::SyncV10 => "SyncChannel v10",
            Wire::Rest => "HTTP, JSON",
        }
    }

    fn json(&self) -> Value {
        let manifest = self.manifest;
        json!({
            "agency": self.agency,
            "adapter": self.adapter.manifest().id,
            "wire": self.wire(),
            "service": manifest.id,
            "name": { "kk": manifest.name.kk, "ru": manifest.name.ru, "en": manifest.name.en },
            "idempotent": manifest.idempotent,
            "window_s": manifest.window_s,
            "done_codes": manifest.done_codes,
            "refused_codes": manifest.refused_codes,
            "endpoint": self.here.map(|here| &here.agency.endpoint),
            "route_id": self.here.map(|here| &here.route_id),
            "deadline_ms": self.here.map(|here| here.deadline.as_millis()),
            "body_bytes_max": self.here.map(|here| here.body_bytes_max),
        })
    }
}

fn shown(lines: &[Line<'_>], language: Language) -> String {
    let is_installed = lines.iter().any(|line| line.here.is_some());
    let mut header = vec!["agency", "service", "wire", "resend", "done", "refused"];
    if is_installed {
        header.extend(["endpoint", "deadline"]);
    }
    let mut table = check::table(header);
    for line in lines {
        let manifest = line.manifest;
        let route = line.here.map_or("", |here| &here.route_id);
        let route = if route.is_empty() { String::new() } else { format!(" (route {route})") };
        let mut row = vec![
            line.agency.to_owned(),
            format!("{}{route}\n{}", manifest.id, manifest.name.text(language)),
            line.wire().to_owned(),
            if manifest.idempotent { "yes" } else { "no" }.to_owned(),
            codes(&manifest.done_codes, "every 2xx"),
            codes(&manifest.refused_codes, "none"),
        ];
        if let Some(here) = line.here {
            row.extend([here.agency.endpoint.clone(), format!("{} ms", here.deadline.as_millis())]);
        }
        table.add_row(row);
    }
    table.trim_fmt()
}

/// Four codes a line.
fn codes(codes: &[String], none: &str) -> String {
    let lines: Vec<String> = codes.chunks(4).map(|line| line.join(" ")).collect();
    if lines.is_empty() { none.to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_of_every_adapter_is_listed_with_its_codes() {
        let adapters = qaqpa_adapters::all();
        let lines = built(&adapters);
        let shown = shown(&lines, Language::Ru);
        for adapter in &adapters {
            for service in &adapter.manifest().services {
                assert!(shown.contains(&service.id), "{shown}");
                assert!(service.done_codes.iter().all(|code| shown.contains(code)), "{shown}");
            }
        }
        assert!(shown.contains("agency"), "an empty list has its header still");
    }

    #[test]
    fn what_the_installation_adds_stands_in_its_table_only() {
        let settings = crate::config::check::tests::smallest();
        let lines = installed(&settings);
        assert!(shown(&lines, Language::En).contains("127.0.0.1:9"));
        assert_eq!(lines[0].json()["deadline_ms"], 30_000);
        assert!(!shown(&built(&qaqpa_adapters::all()), Language::En).contains("deadline"));
    }
}
