//! One axis of comparison: our figure and a peer's, taken in turn in the same run, and the floor that we promise.

#[path = "middle.rs"]
mod middle;

use super::Fallible;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use middle::middle;

/// What the floor bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "not every bench has each")]
pub(crate) enum Bound {
    /// Ours divided by the peer's is at most the floor.
    RatioAtMost,
    /// Ours divided by the peer's is at least the floor.
    RatioAtLeast,
    /// Our own figure is at least the floor, whatever the peer does.
    OursAtLeast,
    /// Our own figure is at most the floor.
    OursAtMost,
}

impl Bound {
    const fn word(self) -> &'static str {
        match self {
            Self::RatioAtMost => "ratio_at_most",
            Self::RatioAtLeast => "ratio_at_least",
            Self::OursAtLeast => "ours_at_least",
            Self::OursAtMost => "ours_at_most",
        }
    }
}

/// What is compared, and with whom.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) peer_name: String,
    pub(crate) floor: f64,
    pub(crate) bound: Bound,
    /// Ours and the peer's, one pair a round.
    pub(crate) rounds: Vec<(f64, f64)>,
    /// Why there are no figures, where there are none.
    pub(crate) missing: Option<String>,
}

impl Axis {
    /// An axis whose peer is there.
    #[allow(dead_code, reason = "not every bench takes it")]
    pub(crate) fn of(
        name: impl Into<String>,
        unit: &'static str,
        peer_name: &str,
        (bound, floor): (Bound, f64),
        rounds: Vec<(f64, f64)>,
    ) -> Self {
        let (name, peer_name) = (name.into(), peer_name.to_owned());
        Self { name, unit, peer_name, floor, bound, rounds, missing: None }
    }

    /// Whether the floor holds in the median of the rounds; without figures it does not.
    pub(crate) fn is_met(&self) -> bool {
        let (ratio, ours) = (middle(self.ratios()), middle(self.side(|(ours, _)| ours)));
        match self.bound {
            Bound::RatioAtMost => ratio <= self.floor,
            Bound::RatioAtLeast => ratio >= self.floor,
            Bound::OursAtLeast => ours >= self.floor,
            Bound::OursAtMost => ours <= self.floor,
        }
    }

    /// Ours divided by the peer's, sorted.
    fn ratios(&self) -> Vec<f64> {
        self.side(|(ours, peer)| ours / peer)
    }

    fn side(&self, of: impl Fn((f64, f64)) -> f64) -> Vec<f64> {
        let mut all: Vec<f64> = self.rounds.iter().copied().map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    pub(crate) fn json(&self) -> Value {
        let ratios = self.ratios();
        json!({
            "axis": self.name,
            "unit": self.unit,
            "ours": number(middle(self.side(|(ours, _)| ours))),
            "peer": number(middle(self.side(|(_, peer)| peer))),
            "peer_name": self.peer_name,
            "ratio_median": number(middle(ratios.iter().copied())),
            "ratio_min": number(ratios.first().copied().unwrap_or(f64::NAN)),
            "ratio_max": number(ratios.last().copied().unwrap_or(f64::NAN)),
            "floor": self.floor,
            "floor_of": self.bound.word(),
            "met": self.is_met(),
            "rounds": self.rounds.len(),
            "missing": self.missing,
        })
    }
}

/// Keeps the axes of one bench for `make bench-peers`, which gathers those of all.
pub(crate) fn write(bench: &str, axes: &[Axis]) -> Fallible<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let all: Vec<Value> = axes.iter().map(Axis::json).collect();
    Ok(fs::write(folder.join(format!("{bench}.json")), serde_json::to_string_pretty(&all)?)?)
}

/// Where each bench leaves its axes.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/axes")
}

/// Four figures tell; `null` where there is none.
fn number(value: f64) -> Value {
    let digits = if value.abs() >= 1000.0 { 1.0 } else { 1e4 };
    serde_json::Number::from_f64((value * digits).round() / digits).map_or(Value::Null, Value::from)
}
