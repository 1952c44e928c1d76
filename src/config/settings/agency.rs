//! An agency as this installation reaches it: where, how much at once, and when.

use super::{BoundCertificate, Calendar, Quota};
use qaqpa_kit::adapter::Adapter;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The organisation behind an upstream, in this installation.
pub struct Agency {
    pub id: String,
    /// Its translation; agencies by configuration alone have a pass-through one.
    pub adapter: Arc<dyn Adapter>,
    /// `http://` or `https://` URL, or [`Self::HOUSE`] and what answers in this process.
    pub endpoint: String,
    /// Others that serve the same.
    pub more_endpoints: Vec<String>,
    /// Repetitions of failed exchanges, of a hundred calls, where repeating changes nothing.
    pub retry_percent: u32,
    /// Roots of its TLS certificate; empty: the gateway's trust files.
    pub tls_trust_files: Vec<PathBuf>,
    /// The gateway's client certificate and key towards it.
    pub tls_client: Option<(PathBuf, PathBuf)>,
    /// Signers of its answers; empty: answers are not demanded to be signed.
    pub answer_certificates: Vec<BoundCertificate>,
    /// Its answers must be signed (default for SyncChannel agencies).
    pub answer_signed: bool,
    pub quota: Quota,
    pub connections_max: usize,
    pub connect_deadline: Duration,
    /// For a whole exchange that no service of its own bounds: an order, an inquiry, a notice.
    pub deadline: Duration,
    pub line: Line,
    pub breaker: Breaker,
    /// When it is open; `None`: always.
    pub calendar: Option<Calendar>,
}

/// How calls wait for their turn at an agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub waiting_max: usize,
    pub wait_max: Duration,
    /// Fewer calls are let through while its answers take longer than usual.
    pub is_adaptive: bool,
    /// Calls under way that it always gets.
    pub in_flight_min: usize,
}

impl Agency {
    /// Begins the endpoint of an agency that the gateway's own process answers for.
    pub const HOUSE: &str = "house:";
    /// The endpoint of the payments desk.
    pub const HOUSE_PAYMENTS: &str = "house:payments";

    /// Whether the gateway's own process answers for it.
    #[must_use]
    pub fn is_house(&self) -> bool {
        self.endpoint.starts_with(Self::HOUSE)
    }
}

impl fmt::Debug for Agency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agency")
            .field("id", &self.id)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// When to stop asking a failing agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before the first probe.
    pub open_for: Duration,
    /// Failures of a hundred that open it, of a sample of at least so many, within so long.
    pub failure_percent: u32,
    pub sample_min: u32,
    pub window: Duration,
    /// Probes in a row that must be answered to close it.
    pub probes: u32,
}
