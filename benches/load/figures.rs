//! What the kernel says of a process: its CPU time, by thread too, and its memory.

use super::Fallible;
use qaqpa::command::demo::scratch::Scratch;
use qaqpa::sign::Certificate;
use qaqpa::sign::algorithm::SignatureAlgorithm;
use std::collections::BTreeMap;
use std::fs;

/// Clock ticks a second in /proc (`getconf CLK_TCK`), the same on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;
/// Two readings in ticks are off by less.
const ENDED_US: f64 = 2e6 / TICKS_PER_SECOND;

/// CPU time that a process has used so far, in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Cpu {
    /// utime + stime of all its threads, those that ended too; in ticks of the kernel.
    pub(super) all_us: f64,
    /// By the thread's name, to the nanosecond; threads that live.
    pub(super) threads_us: BTreeMap<String, f64>,
}

impl Cpu {
    /// Reads it from /proc.
    pub(super) fn of(process: u32) -> Fallible<Self> {
        let mut threads_us = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            let path = task?.path();
            let read = |file| fs::read_to_string(path.join(file));
            // One that ends meanwhile is in the ticks alone.
            let (Ok(name), Ok(ran)) = (read("comm"), read("schedstat")) else { continue };
            let ran_ns: f64 = ran.split(' ').next().unwrap_or_default().parse()?;
            *threads_us.entry(name.trim().to_owned()).or_default() += ran_ns / 1e3;
        }
        Ok(Self { all_us: ticks_us(process, 14)?, threads_us })
    }

    /// What was used since `before`, for each of `count` calls. All of it is what the threads used, to the nanosecond,
    /// unless one of them ended with more than [`ENDED_US`] that no other reading tells of.
    pub(super) fn since(&self, before: &Self, count: usize) -> Self {
        let count = f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX));
        let threads = self.threads_us.iter().map(|(name, after)| {
            let before = before.threads_us.get(name).unwrap_or(&0.0);
            (name.clone(), (after - before) / count)
        });
        let threads_us: BTreeMap<_, _> = threads.collect();
        let (fine_us, ticks_us) =
            (threads_us.values().sum::<f64>(), (self.all_us - before.all_us) / count);
        let is_whole = (ticks_us - fine_us).abs() * count <= ENDED_US;
        Self { all_us: if is_whole { fine_us } else { ticks_us }, threads_us }
    }
}

/// Two fields of /proc/…/stat from this one on, counted as in proc(5), in microseconds: 14 is its own time for programs
/// and in the kernel, 16 that of the children that ended.
pub(super) fn ticks_us(process: u32, field: usize) -> Fallible<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name is the second field, in parentheses, and may hold spaces.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after.split_whitespace().skip(field - 3).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_SECOND * 1e6)
}

/// A field of /proc/…/status in MiB: `VmRSS`, `VmHWM`.
pub(super) fn memory_mib(process: u32, field: &str) -> Fallible<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
    let kib: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// A yardstick for the state of the machine: microseconds of CPU that one RSA-2048 verification takes.
pub(super) struct Yardstick {
    certificate: Certificate,
    signature: Vec<u8>,
}

const MESSAGE: &[u8] = b"the same few bytes each time";
const VERIFICATIONS: u32 = 4_000;

impl Yardstick {
    /// Takes the portal's key.
    pub(super) fn new(scratch: &Scratch) -> Fallible<Self> {
        let signer = qaqpa::command::demo::installation::signer(&scratch.member("portal")?.pair)?;
        let certificate = Certificate::clone(signer.certificate());
        Ok(Self { certificate, signature: signer.sign(MESSAGE)? })
    }

    /// Measures now.
    pub(super) fn rsa_verify_us(&self) -> Fallible<f64> {
        let before = own_us()?;
        for _ in 0..VERIFICATIONS {
            let key = self.certificate.key();
            key.verify(SignatureAlgorithm::RsaSha256, MESSAGE, &self.signature)
                .map_err(|reason| reason.word())?;
        }
        Ok((own_us()? - before) / f64::from(VERIFICATIONS))
    }
}

/// CPU that this thread has used so far, in microseconds.
pub(super) fn own_us() -> Fallible<f64> {
    let ran = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(ran.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e3)
}
