//! How many system calls a process makes, as strace counts them; it slows the process, so time is taken elsewhere.

use super::Fallible;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Tracer {
    process: Child,
    folder: tempfile::TempDir,
}

impl Tracer {
    /// Begins to count for all threads of a process.
    pub(super) fn start(process: u32) -> Fallible<Self> {
        let folder = tempfile::tempdir()?;
        let tracer = Command::new("strace")
            .args(["-f", "-c", "-p", &process.to_string(), "-o"])
            .arg(folder.path().join("count"))
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| format!("strace: {cause}; make tools"))?;
        let started = Instant::now();
        let status = format!("/proc/{process}/status");
        while fs::read_to_string(&status)?.contains("TracerPid:\t0\n") {
            if started.elapsed() > PATIENCE {
                return Err("strace does not attach".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { process: tracer, folder })
    }

    /// Ends; how many calls there were.
    pub(super) fn stop(mut self) -> Fallible<f64> {
        Command::new("kill").args(["-INT", &self.process.id().to_string()]).status()?;
        self.process.wait()?;
        let count = fs::read_to_string(self.folder.path().join("count"))?;
        // `100.00  0.123456  12  34567  89 total`: the errors stand between where there are any.
        let total = count.lines().rev().find(|line| line.ends_with(" total")).ok_or("no total")?;
        Ok(total.split_whitespace().nth(3).ok_or("no count")?.parse()?)
    }
}
