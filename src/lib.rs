//! Qaqpa, the inter-agency integration gateway: the map of the crate, in reading order.

pub mod command;
pub mod config {
    pub mod settings;
}
pub mod journal;
