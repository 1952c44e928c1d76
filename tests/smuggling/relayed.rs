//! Placeholder for the parts to come.
