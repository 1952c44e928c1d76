//! The subcommands, one file each: an `Args` for clap and a `run` that returns the exit code.
//!
//! Exit codes (DESIGN §8, sysexits.h): 0 done, 1 the answer is no, 64 usage, 78 configuration.

use std::fmt;
use std::process::ExitCode;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command line asks for what cannot be (64).
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { code: 64, message: message.to_string() }
    }

    /// The configuration is wrong (78).
    pub fn configuration(message: impl fmt::Display) -> Self {
        Self { code: 78, message: message.to_string() }
    }

    /// The work itself failed (1).
    pub fn work(message: impl fmt::Display) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
