//! The REST face: one service, one address, JSON in and out, mutual TLS in place of a signature.
//!
//! `POST /api/v1/services/{serviceId}` is a call. Its service's adapter turns the JSON into the inside
//! of `data`, which makes it a SyncChannel request without an envelope; from there on it is a call like
//! any other, whatever its agency speaks. The answer's `data` comes back as JSON the same way.

pub mod answer;
pub mod openapi;
pub mod problem;
mod request;
pub mod resource;

pub use request::{Call, Stamp, check, is_jose, language, service_in};

/// `Content-Type` of requests and answers.
pub const JSON: &str = "application/json";
/// `Content-Type` of a request whose JSON stands inside a compact JWS.
pub const JOSE: &str = "application/jose";
/// Where the face begins, whatever its version; everything below it answers in JSON.
pub const ROOT: &str = "/api/";
/// Where this version of the face begins.
pub const PREFIX: &str = "/api/v1/";
/// The description of the face.
pub const OPENAPI_PATH: &str = "/api/v1/openapi.json";
/// Where services are called.
const SERVICES_PREFIX: &str = "/api/v1/services/";

/// The name of a call that its caller repeats (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The number of a payment's receipt, for a service that must be paid.
pub const PAYMENT_RECEIPT: &str = "payment-receipt";
/// The property of SyncChannel's `requestInfo` that bears it.
pub const RECEIPT_PROPERTY: &str = "paymentReceipt";
/// `correlationId` of SyncChannel.
pub const CORRELATION_ID: &str = "correlation-id";
/// `routeId` of SyncChannel.
pub const ROUTE_ID: &str = "route-id";
