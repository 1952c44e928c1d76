//! The state of the machine: how many RSA-2048 verifications openssl makes in a second of CPU.

use super::Fallible;
use crate::installation::GATEWAY_CORE;
use serde_json::{Value, json};
use std::process::Command;

/// Below so many a second the window is slow, and its absolute figures say little.
const GOOD_PER_SECOND: f64 = 33_000.0;

/// One reading before each round.
#[derive(Default)]
pub(super) struct Calibrator {
    per_second: Vec<f64>,
}

impl Calibrator {
    /// Measures one second on the gateway's core; microseconds of a verification.
    pub(super) fn read(&mut self) -> Fallible<f64> {
        let output = Command::new("taskset")
            .args(["-c", GATEWAY_CORE, "openssl", "speed", "-mr", "-seconds", "1", "rsa2048"])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        // `+F2:0:2048:2484.0:85300.0`: signatures a second, and verifications.
        let line = text
            .lines()
            .find(|line| line.starts_with("+F2:"))
            .ok_or("`openssl speed` says no figures")?;
        let per_second: f64 = line.rsplit(':').next().ok_or("openssl speed")?.parse()?;
        self.per_second.push(per_second);
        Ok(1e6 / per_second)
    }

    pub(super) fn json(&self) -> Value {
        let slow = self.per_second.iter().filter(|rate| **rate < GOOD_PER_SECOND).count();
        let rounded: Vec<f64> = self.per_second.iter().map(|rate| rate.round()).collect();
        json!({
            "name": "openssl speed rsa2048, verifications a second",
            "readings": rounded,
            "good_from": GOOD_PER_SECOND,
            "slow_windows": slow,
            "is_good": slow == 0,
        })
    }
}
