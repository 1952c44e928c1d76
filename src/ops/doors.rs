//! What the doors count: connections and handshakes, and every cap and deadline by which one ended.

use super::metrics::Maker;
use crate::proxy::guard::Reason;
use crate::proxy::listener::{BodyError, Cut};
use prometheus::{IntCounter, IntGauge};

/// What one kind of door counts.
#[derive(Clone, Debug)]
pub struct DoorFigures {
    pub connections: IntGauge,
    pub in_flight: IntGauge,
    /// Bytes of bodies in memory.
    pub in_flight_bytes: IntGauge,
    /// Bytes of bodies in the spool.
    pub spool_bytes: IntGauge,
    /// Bytes of answers that wait until their callers take them.
    pub unsent_bytes: IntGauge,
    pub handshakes_done: IntCounter,
    pub handshakes_failed: IntCounter,
    pub panics: IntCounter,
    /// Connections that waited their turn.
    pub delayed: IntCounter,
    /// Refusals that were held back.
    pub held: IntCounter,
    cuts: Vec<IntCounter>,
    bodies_refused: Vec<IntCounter>,
    /// By the guard's reason, all doors together.
    refused: Vec<IntCounter>,
}

impl DoorFigures {
    /// Counters that nobody scrapes, for doors of a tool.
    ///
    /// # Errors
    /// Two metrics of one name: a bug.
    pub fn unwatched() -> Result<Self, prometheus::Error> {
        figures(&Maker::unwatched()).map(|(door, _)| door)
    }

    /// Counts a connection that was refused or ended.
    pub fn cut(&self, cut: Cut) {
        if let Some(counter) = self.cuts.get(cut as usize) {
            counter.inc();
        }
    }

    /// How many connections ended so.
    #[must_use]
    pub fn cuts(&self, cut: Cut) -> u64 {
        self.cuts.get(cut as usize).map_or(0, IntCounter::get)
    }

    /// Counts a body that did not arrive whole.
    pub fn refuse_body(&self, error: BodyError) {
        if let Some(counter) = self.bodies_refused.get(error as usize) {
            counter.inc();
        }
    }

    /// Counts a request that was refused for its framing.
    pub fn refuse(&self, reason: Reason) {
        if let Some(counter) = self.refused.get(reason as usize) {
            counter.inc();
        }
    }

    /// How many bodies ended so.
    #[must_use]
    pub fn bodies_refused(&self, error: BodyError) -> u64 {
        self.bodies_refused.get(error as usize).map_or(0, IntCounter::get)
    }
}

/// The figures of the doors for callers and for operations.
pub(super) fn figures(made: &Maker) -> Result<(DoorFigures, DoorFigures), prometheus::Error> {
    let connections =
        made.gauges("qaqpa_connections", "Connections that are open, by door.", &["door"])?;
    let in_flight =
        made.gauges("qaqpa_in_flight", "Requests being answered, by door.", &["door"])?;
    let bytes = |name, of| made.gauges(name, &format!("Bytes of {of}, by door."), &["door"]);
    let in_flight_bytes = bytes("qaqpa_in_flight_bytes", "request bodies in memory")?;
    let spool_bytes = bytes("qaqpa_spool_bytes", "request bodies that wait on disk")?;
    let unsent_bytes = bytes("qaqpa_unsent_bytes", "answers that their callers have not taken")?;
    let handshakes = made.counters(
        "qaqpa_handshakes_total",
        "TLS handshakes of callers, by result.",
        &["door", "result"],
    )?;
    let panics =
        made.counters("qaqpa_panics_total", "Panics, each of which cost one request.", &["door"])?;
    let delayed = made.counters(
        "qaqpa_connections_delayed_total",
        "Connections that waited because their address opens many.",
        &["door"],
    )?;
    let held = made.counters(
        "qaqpa_refusals_held_total",
        "Refusals held back because their address earns many.",
        &["door"],
    )?;
    let cuts = made.counters(
        "qaqpa_connections_cut_total",
        "Connections refused or ended by a cap or a deadline.",
        &["door", "reason"],
    )?;
    let bodies = made.counters(
        "qaqpa_bodies_refused_total",
        "Request bodies that did not arrive whole.",
        &["door", "reason"],
    )?;
    let refused = made.counters(
        "qaqpa_http_refused_total",
        "HTTP/1 requests refused before they were read, because two readers could read them differently.",
        &["reason"],
    )?;
    let door = |name: &str| DoorFigures {
        connections: connections.with_label_values(&[name]),
        in_flight: in_flight.with_label_values(&[name]),
        in_flight_bytes: in_flight_bytes.with_label_values(&[name]),
        spool_bytes: spool_bytes.with_label_values(&[name]),
        unsent_bytes: unsent_bytes.with_label_values(&[name]),
        handshakes_done: handshakes.with_label_values(&[name, "done"]),
        handshakes_failed: handshakes.with_label_values(&[name, "failed"]),
        delayed: delayed.with_label_values(&[name]),
        held: held.with_label_values(&[name]),
        panics: panics.with_label_values(&[name]),
        cuts: Cut::ALL.iter().map(|cut| cuts.with_label_values(&[name, cut.word()])).collect(),
        bodies_refused: BodyError::ALL
            .iter()
            .map(|error| bodies.with_label_values(&[name, error.fault().reason]))
            .collect(),
        refused: Reason::WORDS.iter().map(|word| refused.with_label_values(&[word])).collect(),
    };
    Ok((door("callers"), door("ops")))
}
