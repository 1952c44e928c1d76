//! CPU, memory and time of reconciling two files, beside DuckDB on the same files in the same run.
//!
//! `make reconcile` prints the table: 1, 2.5 and 10 million rows a side (`QAQPA_RECONCILE_ROWS` names
//! others), a clean day with and without its short cut, 25 banks with 330 000 rows each, and a month of 357 acts. DuckDB's
//! counts must be ours. Everything of a run is in its figures: SHA-256, control totals, all reports.

#[path = "peers/axis.rs"]
mod axis;
#[path = "../tests/reconcile/day.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a day of the tests"
)]
mod day;
#[path = "../tests/reconcile/writers.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::string_slice,
    reason = "a register of the tests"
)]
mod writers;

use axis::{Axis, Bound};
use day::{Day, Seed, neutral};
use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Linux counts a process's time in hundredths of a second.
const TICK_S: f64 = 0.01;
/// Turns of us and of DuckDB.
const ROUNDS: usize = 3;
/// Rows of a file that are shuffled together; the whole file goes over them in a scattered order.
const CHUNK_ROWS: u64 = 100_000;

fn main() -> Fallible<()> {
    let folder = tempfile::tempdir_in("target")?;
    let named = std::env::var("QAQPA_RECONCILE_ROWS").unwrap_or_default();
    let sizes: Vec<u64> = named.split_whitespace().filter_map(|size| size.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000_000, 2_500_000, 10_000_000] } else { sizes };
    let mut axes = Vec::new();
    println!("rows a side     who                CPU s    wall s   peak MiB   MB/core-s");
    for rows in &sizes {
        let files = generate(folder.path(), *rows, 300)?;
        let mut pairs = Vec::new();
        for _ in 0..ROUNDS {
            let ours = qaqpa(&files, folder.path(), &[])?;
            show(*rows, "qaqpa", &ours, files.bytes);
            let peer = duckdb(&files)?;
            show(*rows, "DuckDB", &peer, files.bytes);
            println!("{:>48.2} x DuckDB's CPU", ours.cpu_s / peer.cpu_s);
            pairs.push((ours.cpu_s, peer.cpu_s));
            if ours.said != peer.said {
                return Err(format!("counts differ: {} and {}", ours.said, peer.said).into());
            }
        }
        axes.push(Axis::of(
            format!("{rows} x {rows} rows reconciled, with all reports"),
            "CPU s",
            "DuckDB, counts alone",
            (Bound::RatioAtMost, 0.6),
            pairs,
        ));
    }
    axis::write("reconcile", &axes)?;
    forms(folder.path())?;
    clean(folder.path())?;
    let files = generate(folder.path(), 330_000, 300)?;
    banks(&files, folder.path())?;
    acts(folder.path())
}

/// A day without a break, proved by its digests and joined: what reading costs both, and what matching costs each.
fn clean(folder: &Path) -> Fallible<()> {
    let rows = 10_000_000;
    let files = generate(folder, rows, u64::MAX)?;
    let proved = qaqpa(&files, folder, &[])?;
    let joined = qaqpa(&files, folder, &["--no-short-cut"])?;
    show(rows, "clean, short cut", &proved, files.bytes);
    show(rows, "clean, joined", &joined, files.bytes);
    let (short, long) = (proved.match_s, joined.match_s);
    println!(
        "matching alone: {:.2} ms, joined {:.0} ms, {:.0} x",
        short * 1e3,
        long * 1e3,
        long / short
    );
    Ok(())
}

/// A day of 25 banks as an operator runs it on two cores: two at a time, each with a folder of its own.
fn banks(files: &Files, folder: &Path) -> Fallible<()> {
    let shell = "seq 25 | xargs -P2 -I{} \"$0\" reconcile --json --journal \"$1\" --register \"$2\" --out \"$3/{}\"";
    let (cpu, begin) = (children_s()?, Instant::now());
    let mut command = Command::new("sh");
    command.args(["-c", shell, env!("CARGO_BIN_EXE_qaqpa")]);
    command.arg(&files.journal).arg(&files.register).arg(folder.join("banks"));
    done(&mut command)?;
    println!(
        "25 banks × 330 000 rows, two at a time: {:.1} s, CPU {:.1} s",
        begin.elapsed().as_secs_f64(),
        children_s()? - cpu
    );
    Ok(())
}

/// A month of 17 agencies and 20 branches: 340 acts and 17 central ones, made, then signed by both sides.
fn acts(folder: &Path) -> Fallible<()> {
    let (agencies, branches, services) = (17, 20, 315);
    let mut rows = Vec::new();
    for service in 0..services {
        for branch in 0..branches {
            let agency = service % agencies;
            let given = 1_000 + service * branch;
            rows.push(format!("a{agency};S{service};b{branch};u{branch};{given};3;{given};3\n"));
        }
    }
    let sum: u64 = (0..services).flat_map(|s| (0..branches).map(move |b| 1_003 + s * b)).sum();
    let mut files = Vec::new();
    for party in ["gateway", "centre"] {
        let mut text = format!(
            "#counts;v=1;party={party};month=2026-11;count={};sum={sum};enc=utf-8\n",
            rows.len()
        );
        text.extend(rows.iter().map(String::as_str));
        let path = folder.join(format!("{party}.csv"));
        fs::write(&path, day::sealed(text.as_bytes()))?;
        files.push(path);
    }
    let bin = |number: u64| format!("9901400{number:05}");
    let mut parties = format!("centre;{};\n", bin(99));
    parties.extend((0..agencies).map(|agency| format!("a{agency};{};\n", bin(agency))));
    fs::write(folder.join("parties"), parties)?;
    let (cpu, begin) = (children_s()?, Instant::now());
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.args(["reconcile", "counts", "--json", "--month", "2026-11", "--agency"]);
    let [agency, centre] = files.as_slice() else { return Err("two files".into()) };
    command.arg(agency).arg("--centre").arg(centre).arg("--parties");
    command.arg(folder.join("parties")).arg("--out").arg(folder.join("acts"));
    done(&mut command)?;
    let made_s = begin.elapsed().as_secs_f64();
    for number in std::iter::once(99).chain(0..agencies) {
        let key = rcgen::KeyPair::generate()?;
        let mut params = rcgen::CertificateParams::default();
        let unit = rcgen::DnType::OrganizationalUnitName;
        params.distinguished_name.push(unit, format!("BIN{}", bin(number)));
        fs::write(folder.join("key"), key.serialize_pem())?;
        fs::write(folder.join("cert"), params.self_signed(&key)?.pem())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        command.args(["act", "sign"]).arg(folder.join("acts"));
        command.arg("--key").arg(folder.join("key")).arg("--cert").arg(folder.join("cert"));
        done(&mut command)?;
    }
    println!(
        "357 acts of a month ({} rows a side): made {made_s:.2} s, made and signed by both {:.2} s, CPU {:.2} s",
        rows.len(),
        begin.elapsed().as_secs_f64(),
        children_s()? - cpu
    );
    Ok(())
}

/// Runs it to its good end.
fn done(command: &mut Command) -> Fallible<()> {
    let out = command.output()?;
    if out.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&out.stderr).into_owned().into())
    }
}

/// Rows of the register that is written in every form.
const FORM_ROWS: u64 = 400_000;

/// What reading alone costs: parsing, validating, hashing, laying rows down.
fn forms(folder: &Path) -> Fallible<()> {
    let rows = Day::numbered(0..FORM_ROWS, 1, u64::MAX).register;
    fs::write(folder.join("columns.toml"), writers::DESCRIPTION)?;
    let text = writers::one_c(&rows);
    let files = [
        ("neutral", neutral("register", "2026-11-22", &rows, "\n")),
        ("camt.053", writers::camt(&rows, "camt.053", 8)),
        ("MT940", writers::mt940(&rows)),
        ("1C, windows-1251", writers::windows_1251(&text)),
        ("csv", writers::columns(&rows)),
        ("xlsx", writers::workbook(&rows)),
    ];
    drop((text, rows));
    for (name, bytes) in files {
        let path = folder.join("register");
        fs::write(&path, &bytes)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        command.args(["register", "--json"]).arg(&path);
        if matches!(name, "csv" | "xlsx") {
            command.arg("--columns").arg(folder.join("columns.toml"));
        }
        show(FORM_ROWS, name, &measured(command)?, bytes.len() as u64);
        fs::remove_file(path)?;
    }
    Ok(())
}

struct Files {
    journal: PathBuf,
    register: PathBuf,
    bytes: u64,
}

struct Measured {
    cpu_s: f64,
    wall_s: f64,
    peak_kib: u64,
    said: String,
    /// Of the time on the wall, that after both sides were read and before reports; 0 of who does not say.
    match_s: f64,
}

/// Writes a day piece by piece, so that no size of it needs memory.
fn generate(folder: &Path, rows: u64, rarity: u64) -> Fallible<Files> {
    let mut bodies = [Body::new(folder, "journal")?, Body::new(folder, "register")?];
    let pieces = rows.div_ceil(CHUNK_ROWS);
    let mut order: Vec<u64> = (0..pieces).collect();
    let write = |piece: u64| {
        let first = piece * CHUNK_ROWS;
        Day::numbered(first..rows.min(first + CHUNK_ROWS), piece + 1, rarity)
    };
    for piece in &order {
        bodies[0].rows(&write(*piece).journal)?;
    }
    Seed(rows).shuffle(&mut order);
    for piece in &order {
        bodies[1].rows(&write(*piece).register)?;
    }
    let [journal, register] = bodies;
    let (journal, register) = (journal.seal(folder)?, register.seal(folder)?);
    let bytes = fs::metadata(&journal)?.len() + fs::metadata(&register)?.len();
    Ok(Files { journal, register, bytes })
}

/// Rows of a file whose header is not known yet.
struct Body {
    to: BufWriter<fs::File>,
    path: PathBuf,
    side: &'static str,
    count: u64,
    sum: u64,
}

impl Body {
    fn new(folder: &Path, side: &'static str) -> Fallible<Self> {
        let path = folder.join(format!("{side}.rows"));
        let to = BufWriter::with_capacity(1 << 20, fs::File::create(&path)?);
        Ok(Self { to, path, side, count: 0, sum: 0 })
    }

    fn rows(&mut self, rows: &[day::Row]) -> Fallible<()> {
        for row in rows {
            self.count += 1;
            self.sum += row[6].parse::<u64>()?;
            writeln!(self.to, "{}", row.join(";"))?;
        }
        Ok(())
    }

    fn seal(mut self, folder: &Path) -> Fallible<PathBuf> {
        self.to.flush()?;
        let Self { side, count, sum, .. } = self;
        let head = format!(
            "#{side};v=1;bank=BANKKZ9A;opdate=2026-11-22;count={count};sum={sum};enc=utf-8\n"
        );
        let path = folder.join(format!("{side}.csv"));
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut to = fs::File::create(&path)?;
        let mut put = |bytes: &[u8]| {
            hash.update(bytes);
            to.write_all(bytes)
        };
        put(head.as_bytes())?;
        let mut from = fs::File::open(&self.path)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = std::io::Read::read(&mut from, &mut buffer)?;
            if count == 0 {
                break;
            }
            put(buffer.get(..count).unwrap_or_default())?;
        }
        writeln!(to, "#end;sha256={}", qaqpa_kit::hex::lower(hash.finish().as_ref()))?;
        fs::remove_file(&self.path)?;
        Ok(path)
    }
}

fn qaqpa(files: &Files, folder: &Path, more: &[&str]) -> Fallible<Measured> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.args(["reconcile", "--json", "--journal"]).arg(&files.journal);
    command.arg("--register").arg(&files.register).arg("--out").arg(folder.join("out")).args(more);
    measured(command)
}

fn duckdb(files: &Files) -> Fallible<Measured> {
    let mut command = Command::new("target/tools/venv/bin/python3");
    command.arg("tests/clients/reconcile_peer.py").arg(&files.journal).arg(&files.register);
    measured(command)
}

/// Runs it, and reads what the kernel says of it.
fn measured(mut command: Command) -> Fallible<Measured> {
    let before = children_s()?;
    let begin = Instant::now();
    let program = command.get_program().to_owned();
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|cause| format!("{}: {cause}; make tools", program.display()))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(10));
    }
    let wall_s = begin.elapsed().as_secs_f64();
    let out = child.wait_with_output()?;
    if !out.status.success() {
        return Err("a run failed".into());
    }
    let text = String::from_utf8(out.stdout)?;
    let line: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    let match_s = line.pointer("/stages/match").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
    let said = {
        let field = |name: &str| line.get(name).cloned().unwrap_or_default();
        format!("matched {} breaks {}", field("matched"), field("breaks"))
    };
    Ok(Measured { cpu_s: children_s()? - before, wall_s, peak_kib, said, match_s })
}

/// CPU seconds of all children that have ended.
fn children_s() -> Fallible<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(") ").map(|(_, after)| after).unwrap_or_default();
    let fields = after.split_whitespace().skip(13).take(2);
    let ticks: f64 = fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks * TICK_S)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn show(rows: u64, who: &str, measured: &Measured, bytes: u64) {
    let rate = bytes as f64 / 1e6 / measured.cpu_s.max(TICK_S);
    println!(
        "{rows:>11}     {who:<16} {:>7.2} {:>9.2} {:>10} {rate:>11.0}",
        measured.cpu_s,
        measured.wall_s,
        measured.peak_kib / 1_024
    );
}
