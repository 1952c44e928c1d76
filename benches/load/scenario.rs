//! What is measured: each scenario is one way of calling one installation.

use super::calls::Mix;
use super::installation::{BOTH_CORES, Setup};

/// How callers keep their connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Each connection serves call after call.
    Kept,
    /// A handshake a call.
    Anew,
}

/// One stage of a round.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) setup: Setup,
    pub(super) mix: Mix,
    pub(super) way: Way,
    pub(super) connections: usize,
    /// It sends one `part`th of the requests that the run was asked for.
    pub(super) part: usize,
    /// After it the same calls arrive at given rates, on as many connections.
    pub(super) is_curve: bool,
}

impl Scenario {
    /// One of the three that tell kinds of calls apart: small, large, and only passed on.
    pub(super) fn has_steps(&self) -> bool {
        let large = Mix::Soap { filler_bytes: 97 << 10 };
        self.way == Way::Kept && [SIGNED, large, Mix::Relay].contains(&self.mix)
    }
}

const SIGNED: Mix = Mix::Soap { filler_bytes: 0 };

/// The scenarios of a short run, and with `is_full` those of the long one; those of one installation
/// follow each other. `store` is a PostgreSQL for the journal, where there is one.
pub(super) fn scenarios(is_full: bool, store: Option<String>) -> Vec<Scenario> {
    let base = Scenario {
        name: "signed SOAP, 3 KB",
        setup: Setup::default(),
        mix: SIGNED,
        way: Way::Kept,
        connections: 32,
        part: 1,
        is_curve: false,
    };
    let with = |name, part, mix| Scenario { name, part, mix, ..base.clone() };
    let filled = |bytes| Mix::Soap { filler_bytes: bytes };
    let mut all = vec![
        Scenario { is_curve: true, ..base.clone() },
        with("signed SOAP, 10 KB", 2, filled(7 << 10)),
        with("signed SOAP, 100 KB", 8, filled(97 << 10)),
        with("REST to a SOAP agency", 1, Mix::Rest),
        Scenario { is_curve: true, ..with("REST relayed, 2 KiB", 1, Mix::Relay) },
        Scenario {
            way: Way::Anew,
            connections: 8,
            ..with("signed SOAP, a handshake a call", 4, SIGNED)
        },
    ];
    if !is_full {
        return all;
    }
    for connections in [1, 200] {
        let part = if connections == 1 { 4 } else { 1 };
        all.push(Scenario { connections, part, ..base.clone() });
    }
    // So many at once make a core later than it is allowed to be as shipped: most would be refused.
    let setup = Setup { lag_ms_max: 2_000, ..Setup::default() };
    all.push(Scenario { connections: 2_000, setup, ..base.clone() });
    let of = |name, setup| Scenario { name, setup, ..base.clone() };
    let default = Setup::default();
    all.push(of("signed SOAP, RSA answers", Setup { answers: "rsa", ..default.clone() }));
    all.push(of("signed SOAP, no TLS", Setup { is_tls: false, ..default.clone() }));
    all.push(of("signed SOAP, two cores", Setup { cores: BOTH_CORES, ..default.clone() }));
    if store.is_some() {
        all.push(of("signed SOAP, PostgreSQL", Setup { store, ..default }));
    }
    all
}
