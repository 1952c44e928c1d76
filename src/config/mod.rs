//! The configuration of one installation: raw as written, checked as a whole, loaded by one door.
//!
//! [`load()`] reads the folder that holds `gateway.toml`, `services.toml` and `participants/*.toml`;
//! [`mod@raw`] is what may be written there, with every default; [`mod@check`] turns it into
//! [`settings::Settings`], or names every mistake at once with its file, line, key and cure.

pub mod check;
mod document;
pub mod finding;
pub mod fixed;
mod lines;
pub mod load;
pub mod operation;
pub mod ranges;
pub mod raw;
pub mod settings;
mod words;

pub use finding::{ConfigErrors, Finding};
pub use load::{inspect, load};

/// The caps of a node whose configuration names none.
#[must_use]
pub fn default_limits() -> settings::Limits {
    check::default_limits()
}
