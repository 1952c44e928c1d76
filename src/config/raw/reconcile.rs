//! `[reconcile]` of `gateway.toml` as written: where registers come in, and where runs leave their reports.

use serde::{Deserialize, Serialize};

/// Registers of banks: uploads, a watched folder, and runs in the background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconcile {
    /// The folder of this node for uploads, scratch and reports; empty: no register is taken in by itself.
    pub data_folder: String,
    /// A folder that is watched, with a folder for each bank in it; empty: none.
    pub folder: String,
    /// Bytes of one register at most.
    pub register_bytes_max: u64,
    /// Uploaded registers that may wait; beyond them an upload is refused.
    pub waiting_max: usize,
    /// Pause between two looks at what has come.
    pub look_pause_ms: u64,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            data_folder: String::new(),
            folder: String::new(),
            register_bytes_max: 1_073_741_824,
            waiting_max: 32,
            look_pause_ms: 5_000,
        }
    }
}
