//! Where the microseconds of a call go: samples of the gateway, each given to the innermost step of its stack.

use super::Fallible;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Samples a second of each thread; a prime, so that no timer keeps step with it.
const SAMPLES_PER_SECOND: &str = "3989";

/// What a function belongs to, by a part of its name; of one function the first row that fits.
///
/// Cryptography stands by itself, whoever asks for it: it is what the rest is held against.
const STEPS: [(&str, &[&str]); 17] = [
    (
        "RSA: two verified",
        &["bn_sqr", "bn_mul", "bn_mont", "bn_from_mont", "bn_pow", "rsa_", "RSA_"],
    ),
    ("ECDSA: two made", &["ecp_nistz256", "p256", "P256", "ecdsa_", "ECDSA_", "ec_scalar"]),
    ("SHA-256", &["sha256_block", "SHA256_", "sha512_block"]),
    ("AES-GCM", &["aesni_", "aes_gcm", "gcm_", "ghash", "aead_aes"]),
    ("XML read", &["qaqpa_kit::xml::scan", "Document::scan", "Document>::scan"]),
    ("admit, quotas", &["proxy::admit"]),
    ("identify, route", &["proxy::identify", "proxy::route", "proxy::face"]),
    ("verify", &["proxy::verify", "sign::wsse::verify", "CertificateCache", "sign::trust"]),
    (
        "open: key, evidence",
        &["call_key", "Trace::opened", "Journal::open", "journal::seal", "dedupe"],
    ),
    ("encode", &["Desk::encode", "set_session", "wsse::seal", "exchange::encode"]),
    ("decode", &["proxy::answer", "UpstreamAnswer", "business::of_answer"]),
    ("close: evidence", &["Trace::closed", "send_close", "Journal::close"]),
    ("reply, metrics, log line", &["proxy::reply", "ops::log", "ops::metrics", "prometheus"]),
    (
        "the call's other steps",
        &["proxy::handle", "proxy::exchange", "proxy::trace", "qaqpa::channel"],
    ),
    ("TLS records", &["rustls"]),
    (
        "HTTP",
        &[
            "hyper",
            "upstream::",
            "proxy::guard",
            "proxy::listener",
            "proxy::front",
            "http::",
            "h2::",
            "httparse",
        ],
    ),
    ("runtime", &["tokio", "mio::"]),
];

/// `perf`, which listens to one process.
pub(super) struct Sampler {
    process: Child,
    _folder: tempfile::TempDir,
    samples: PathBuf,
}

impl Sampler {
    /// Begins; the program must have been built with frame pointers and symbols (`make bench-phases`).
    pub(super) fn start(process: u32) -> Fallible<Self> {
        let folder = tempfile::tempdir()?;
        let samples = folder.path().join("samples");
        let process = Command::new("perf")
            .args(["record", "-q", "-F", SAMPLES_PER_SECOND, "--call-graph", "fp", "-p"])
            .arg(process.to_string())
            .arg("-o")
            .arg(&samples)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| format!("perf: {cause}; on Debian it is in linux-perf"))?;
        Ok(Self { process, _folder: folder, samples })
    }

    /// Ends; the share of each step.
    pub(super) fn stop(mut self) -> Fallible<Steps> {
        Command::new("kill").args(["-INT", &self.process.id().to_string()]).status()?;
        self.process.wait()?;
        let mut script = Command::new("perf")
            .args(["script", "--no-inline", "-F", "comm,ip,sym,dso", "-i"])
            .arg(&self.samples)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(script.stdout.take().ok_or("no output of perf")?).lines();
        let mut steps = Steps::default();
        let (mut thread, mut stack) = (String::new(), Vec::new());
        for line in lines {
            let line = line?;
            if line.is_empty() {
                steps.add(&thread, &stack);
                stack.clear();
            } else if line.starts_with(['\t', ' ']) {
                stack.push(line);
            } else {
                line.trim_end().clone_into(&mut thread);
            }
        }
        script.wait()?;
        if steps.count == 0 {
            return Err(
                "perf took no samples: may this user, on this machine, look at processes?".into()
            );
        }
        Ok(steps)
    }
}

/// Samples by step.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    samples: BTreeMap<&'static str, u32>,
    count: u32,
}

impl Steps {
    /// What each step takes of so many microseconds, the dearest first.
    pub(super) fn of(&self, call_us: f64) -> Vec<(&'static str, f64)> {
        let share = |samples: u32| f64::from(samples) / f64::from(self.count.max(1)) * call_us;
        let mut all: Vec<_> =
            self.samples.iter().map(|(step, samples)| (*step, share(*samples))).collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all
    }

    /// A sample: frames from the innermost out, as perf writes them (address, function, file).
    fn add(&mut self, thread: &str, stack: &[String]) {
        if stack.is_empty() {
            return;
        }
        self.count += 1;
        *self.samples.entry(step(thread, stack)).or_default() += 1;
    }
}

fn step(thread: &str, stack: &[String]) -> &'static str {
    match thread {
        "journal" if stack.iter().any(|frame| frame.contains("fdatasync")) => "journal: the sync",
        "journal" => "journal: SQLite",
        "log" => "reply, metrics, log line",
        _ if stack.first().is_some_and(|frame| frame.contains("kernel")) => {
            "kernel: sockets, threads"
        }
        _ => {
            let named = |frame: &String| {
                STEPS.iter().find(|(_, parts)| parts.iter().any(|part| frame.contains(part)))
            };
            stack.iter().find_map(named).map_or("without a name", |(step, _)| step)
        }
    }
}
