//! The faces to callers: each reads a call from its wire and writes a reply or a fault to it.

pub mod sync;
