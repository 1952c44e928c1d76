//! Signatures and trust: who signed exactly what, and whether we believe the signer.
//!
//! The verifier follows a strict profile: it does not ask whether some signature in a document is
//! valid, it asks whether *this* Body, the very node that will be processed, is what was signed.

pub mod algorithm;
pub mod business;
pub mod canonical;
pub mod certificate;
pub mod cms;
pub mod digest;
pub mod document;
mod ecdsa;
pub mod explain;
pub mod gost;
pub mod joint;
pub mod key;
pub mod keystore;
pub mod name;
pub mod pem;
pub mod reason;
pub mod rest;
mod signed_info;
pub mod signers;
pub mod trust;
pub mod wsse;
pub mod xmldsig;

pub use certificate::Certificate;
pub use key::Signer;
pub use reason::{Reason, Refusal};
pub use signers::Signers;
pub use trust::Trust;
