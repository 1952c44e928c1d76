//! The figures of a load run, as a table for people and as JSON for comparing.

use super::middle::middle;
use super::{Fallible, Measured};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The rounds of one stage of one binary, in the order in which they were measured.
pub(super) struct Stage<'m> {
    pub(super) name: String,
    /// Calls a second that arrived, rounded; none in a closed loop.
    pub(super) arrivals: Option<f64>,
    pub(super) rounds: Vec<&'m Measured>,
}

impl Stage<'_> {
    /// A figure's median over the rounds.
    pub(super) fn median(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        middle(self.rounds.iter().map(|one| figure(one)))
    }

    fn least(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        self.rounds.iter().map(|one| figure(one)).fold(f64::NAN, f64::min)
    }

    /// CPU microseconds a call by thread, in the median.
    pub(super) fn threads(&self) -> Vec<(String, f64)> {
        let names: BTreeSet<&String> =
            self.rounds.iter().flat_map(|one| one.cpu.threads_us.keys()).collect();
        let of = |name: &String| {
            let us = self.median(|one| one.cpu.threads_us.get(name).copied().unwrap_or_default());
            (name.clone(), us)
        };
        names.into_iter().map(of).filter(|(_, us)| *us >= 0.5).collect()
    }

    /// CPU microseconds a call by step, of the first round; empty where nobody asked.
    pub(super) fn steps(&self) -> Vec<(String, f64)> {
        let one = self.rounds.first().and_then(|one| Some((one.steps.as_ref()?, one.cpu.all_us)));
        let steps = one.map(|(steps, us)| steps.of(us)).unwrap_or_default();
        steps.into_iter().map(|(name, us)| (name.to_owned(), us)).collect()
    }
}

/// Puts the rounds of each stage together.
pub(super) fn stages(measured: &[Measured]) -> Vec<Stage<'_>> {
    let mut stages: Vec<Stage<'_>> = Vec::new();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    // Rates follow the capacity of their round: the n-th rate of each round belongs together.
    let mut nth = 0;
    for one in measured {
        nth = if one.arrivals.is_some() { nth + 1 } else { 0 };
        let scenario = &one.scenario;
        let name = format!("{}, {} conns", scenario.name, scenario.connections);
        let name = if one.binary == "this" { name } else { format!("{name} ({})", one.binary) };
        let at = *order.entry(format!("{name} {nth}")).or_insert_with(|| {
            stages.push(Stage { name, arrivals: one.arrivals, rounds: Vec::new() });
            stages.len() - 1
        });
        if let Some(stage) = stages.get_mut(at) {
            stage.rounds.push(one);
        }
    }
    stages
}

/// Prints the table.
pub(super) fn print(measured: &[Measured]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        "calls",
        "due/s",
        "CPU µs min",
        "median",
        "÷ RSA verify",
        "answers/s",
        "p50 ms",
        "p99",
        "p99.9",
        "RSS MiB",
        "peak",
        "errors",
    ]);
    let stages = stages(measured);
    for stage in &stages {
        let errors: usize = stage.rounds.iter().map(|one| one.seen.errors()).sum();
        table.add_row([
            stage.name.clone(),
            stage.arrivals.map_or_else(|| "closed".to_owned(), |rate| format!("{rate:.0}")),
            format!("{:.0}", stage.least(|one| one.cpu.all_us)),
            format!("{:.0}", stage.median(|one| one.cpu.all_us)),
            format!("{:.1}", stage.median(|one| one.cpu.all_us / one.rsa_verify_us)),
            format!("{:.0}", stage.median(Measured::per_second)),
            format!("{:.2}", stage.median(|one| one.latency_ms(0.5))),
            format!("{:.2}", stage.median(|one| one.latency_ms(0.99))),
            format!("{:.2}", stage.median(|one| one.latency_ms(0.999))),
            format!("{:.0}", stage.median(|one| one.rss_mib)),
            format!("{:.0}", stage.median(|one| one.peak_mib)),
            errors.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    for stage in stages.iter().filter(|stage| stage.arrivals.is_none()) {
        let threads: Vec<String> =
            stage.threads().iter().map(|(name, us)| format!("{name} {us:.1}")).collect();
        println!("{}, CPU µs a call by thread: {}", stage.name, threads.join(", "));
    }
    print_steps(&stages);
    let yardsticks = || measured.iter().map(|one| one.rsa_verify_us);
    println!(
        "one RSA-2048 verification: {:.1} µs at best, {:.1} in the median, {:.1} at worst",
        yardsticks().fold(f64::NAN, f64::min),
        middle(yardsticks()),
        yardsticks().fold(f64::NAN, f64::max),
    );
}

/// Prints where the CPU of a call goes, a column a stage.
fn print_steps(stages: &[Stage<'_>]) {
    let told: Vec<_> = stages.iter().map(|stage| (&stage.name, stage.steps())).collect();
    let told: Vec<_> = told.into_iter().filter(|(_, steps)| !steps.is_empty()).collect();
    if told.is_empty() {
        return;
    }
    let names: BTreeSet<&str> =
        told.iter().flat_map(|(_, steps)| steps.iter().map(|(name, _)| name.as_str())).collect();
    let us = |steps: &[(String, f64)], name: &str| {
        steps.iter().find(|(step, _)| step == name).map_or(0.0, |(_, us)| *us)
    };
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by(|one, other| {
        let first = |name| told.first().map_or(0.0, |(_, steps)| us(steps, name));
        first(other).total_cmp(&first(one))
    });
    let mut table = Table::new();
    let heads = told.iter().map(|(stage, _)| format!("{stage}, CPU µs"));
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(std::iter::once("step".to_owned()).chain(heads));
    for name in names {
        let cells = told.iter().map(|(_, steps)| format!("{:.1}", us(steps, name)));
        table.add_row(std::iter::once(name.to_owned()).chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}

/// Writes every round.
pub(super) fn write(path: &Path, measured: &[Measured]) -> Fallible<()> {
    let rounds: Vec<Value> = measured.iter().map(json_of).collect();
    Ok(std::fs::write(path, serde_json::to_string_pretty(&rounds)?)?)
}

fn json_of(one: &Measured) -> Value {
    json!({
        "binary": one.binary,
        "scenario": one.scenario.name,
        "answers_signed_with": one.scenario.setup.answers,
        "tls": one.scenario.setup.is_tls,
        "journal": if one.scenario.setup.store.is_some() { "postgres" } else { "sqlite" },
        "cores": one.scenario.setup.cores,
        "connections": one.scenario.connections,
        "arrivals_per_second": one.arrivals,
        "requests": one.seen.answers,
        "request_bytes": one.request_bytes,
        "cpu_us_per_request": one.cpu.all_us,
        "cpu_us_per_request_by_thread": one.cpu.threads_us,
        "cpu_us_per_request_by_step": one.steps.as_ref().map(|steps| {
            steps.of(one.cpu.all_us).into_iter().collect::<BTreeMap<_, _>>()
        }),
        "rsa_verify_us": one.rsa_verify_us,
        "requests_per_second": one.per_second(),
        "latency_p50_ms": one.latency_ms(0.5),
        "latency_p99_ms": one.latency_ms(0.99),
        "latency_p999_ms": one.latency_ms(0.999),
        "rss_mib": one.rss_mib,
        "rss_peak_mib": one.peak_mib,
        "errors": one.seen.errors,
    })
}
