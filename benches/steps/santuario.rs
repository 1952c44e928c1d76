//! The same verification by Apache Santuario: one Java process a message, warm, asked for a round at a time.

use super::messages::Fallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where `make bench-steps` unpacks Debian's jars.
const JARS: &str = "target/tools/unpacked/santuario/usr/share/java";
/// Santuario, and what it writes its log with: nowhere.
const CLASS_PATH: [&str; 4] = ["xmlsec.jar", "slf4j-api.jar", "slf4j-nop.jar", "commons-codec.jar"];
/// The collector that takes the least CPU of a single thread, with room so that it seldom runs.
const OPTIONS: [&str; 3] = ["-XX:+UseSerialGC", "-Xms1g", "-Xmx1g"];

/// A running Java that verifies one message; it ends when it is dropped.
pub(super) struct Santuario {
    process: Child,
    asked: ChildStdin,
    told: BufReader<ChildStdout>,
}

/// It runs, or why it cannot be had.
pub(super) type Found = Result<Santuario, String>;

impl Santuario {
    /// Starts it with a signed envelope and the signer's certificate, and waits until it is warm.
    ///
    /// # Errors
    /// It judges otherwise than it must.
    pub(super) fn start(envelope: &Path, certificate: &Path) -> Fallible<Found> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let jars = CLASS_PATH.map(|jar| root.join(JARS).join(jar));
        if !jars.iter().all(|jar| jar.is_file()) {
            return Ok(Err("its jars are not unpacked: make bench-steps".to_owned()));
        }
        let spawned = Command::new("java")
            .args(OPTIONS)
            .arg("-cp")
            .arg(std::env::join_paths(jars)?)
            .arg(root.join("benches/steps/Santuario.java"))
            .args([envelope, certificate])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match spawned {
            Ok(process) => process,
            Err(_none) => return Ok(Err("no java here".to_owned())),
        };
        let asked = process.stdin.take().ok_or("no pipe")?;
        let told = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut santuario = Self { process, asked, told };
        match santuario.line()?.as_str() {
            "ready" => Ok(Ok(santuario)),
            // It ended before it said anything: a Java that cannot run a source file, or jars that do not fit.
            "" => Ok(Err(santuario.complaint()?)),
            judged => Err(judged.into()),
        }
    }

    /// Verifications in a second of its process' CPU.
    pub(super) fn round(&mut self) -> Fallible<f64> {
        writeln!(self.asked)?;
        let line = self.line()?;
        let Some((count, cpu_ns)) = line.split_once(' ') else {
            return Err(format!("Santuario says no two figures: {line}").into());
        };
        Ok(count.parse::<f64>()? / cpu_ns.parse::<f64>()? * 1e9)
    }

    fn line(&mut self) -> Fallible<String> {
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// What it wrote to its error stream, in a line: the exception that ended it, or its last word.
    fn complaint(&mut self) -> Fallible<String> {
        let mut all = String::new();
        self.process.stderr.take().ok_or("no pipe")?.read_to_string(&mut all)?;
        let exception = all.lines().find(|line| line.contains("Exception"));
        let line = exception.or_else(|| all.lines().last()).unwrap_or("without a word");
        Ok(format!("java ends: {}", line.trim()))
    }
}

impl Drop for Santuario {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
