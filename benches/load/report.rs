//! The figures of a load run, as a table for people and as JSON for comparing.

use super::{Fallible, Measured};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The rounds of one stage of one profile of one binary.
type Key<'m> = (&'m str, &'m str, usize);

/// Prints the table.
pub(super) fn print(measured: &[Measured]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        "gateway",
        "answers",
        "conns",
        "CPU µs/req min",
        "median",
        "÷ RSA verify",
        "req/s",
        "p50 ms",
        "p99 ms",
        "RSS MiB",
        "peak",
        "errors",
    ]);
    for (key, rounds) in grouped(measured) {
        let (binary, profile, connections) = key;
        let of = |figure: fn(&Measured) -> f64| sorted(&rounds, figure);
        let errors: usize = rounds.iter().flat_map(|one| one.seen.errors.values()).sum();
        table.add_row([
            binary.to_owned(),
            profile.to_owned(),
            connections.to_string(),
            format!("{:.0}", least(&of(|one| one.cpu.all_us))),
            format!("{:.0}", median(&of(|one| one.cpu.all_us))),
            format!("{:.1}", median(&of(|one| one.cpu.all_us / one.rsa_verify_us))),
            format!("{:.0}", median(&of(Measured::per_second))),
            format!("{:.2}", median(&of(|one| one.latency_ms(0.5)))),
            format!("{:.2}", median(&of(|one| one.latency_ms(0.99)))),
            format!("{:.0}", median(&of(|one| one.rss_mib))),
            format!("{:.0}", median(&of(|one| one.peak_mib))),
            errors.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    for (key, rounds) in grouped(measured) {
        println!("{key:?} by thread, CPU µs/req: {}", threads(&rounds));
    }
    let yardsticks = sorted(&measured.iter().collect::<Vec<_>>(), |one| one.rsa_verify_us);
    println!(
        "one RSA-2048 verification: {:.1} µs at best, {:.1} in the median, {:.1} at worst",
        least(&yardsticks),
        median(&yardsticks),
        yardsticks.last().unwrap_or(&f64::NAN),
    );
}

/// Writes every round.
pub(super) fn write(path: &Path, measured: &[Measured]) -> Fallible<()> {
    let rounds: Vec<Value> = measured.iter().map(json_of).collect();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, serde_json::to_string_pretty(&rounds)?)?)
}

fn json_of(one: &Measured) -> Value {
    json!({
        "binary": one.binary,
        "answers": one.profile.word(),
        "connections": one.connections,
        "requests": one.seen.answers,
        "request_bytes": one.request_bytes,
        "cpu_us_per_request": one.cpu.all_us,
        "cpu_us_per_request_by_thread": one.cpu.threads_us,
        "rsa_verify_us": one.rsa_verify_us,
        "requests_per_second": one.per_second(),
        "latency_p50_ms": one.latency_ms(0.5),
        "latency_p99_ms": one.latency_ms(0.99),
        "rss_mib": one.rss_mib,
        "rss_peak_mib": one.peak_mib,
        "errors": one.seen.errors,
    })
}

fn grouped(measured: &[Measured]) -> BTreeMap<Key<'_>, Vec<&Measured>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Measured>> = BTreeMap::new();
    for one in measured {
        let key = (one.binary.as_str(), one.profile.word(), one.connections);
        groups.entry(key).or_default().push(one);
    }
    groups
}

fn threads(rounds: &[&Measured]) -> String {
    let names: std::collections::BTreeSet<&String> =
        rounds.iter().flat_map(|one| one.cpu.threads_us.keys()).collect();
    let one = |name: &String| {
        let mut all: Vec<f64> =
            rounds.iter().filter_map(|one| one.cpu.threads_us.get(name).copied()).collect();
        all.sort_by(f64::total_cmp);
        format!("{name} {:.1}", median(&all))
    };
    names.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

fn sorted(rounds: &[&Measured], figure: fn(&Measured) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = rounds.iter().map(|one| figure(one)).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn least(sorted: &[f64]) -> f64 {
    sorted.first().copied().unwrap_or(f64::NAN)
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
