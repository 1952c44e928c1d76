//! Envoy as a reverse proxy with mutual TLS, one worker.

use super::Fallible;
use super::process::{Certificates, Peer, free_address};
use qaqpa::command::demo::scratch::Scratch;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Starts it before `origin`; `make bench-peers` unpacks it.
pub(crate) fn start(scratch: &Scratch, origin: SocketAddr) -> Fallible<Peer> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let configuration = json!({ "static_resources": {
        "listeners": [listener(scratch, address, &folder.path().join("access.log"))],
        "clusters": [{
            "name": "origin",
            "type": "STATIC",
            "load_assignment": { "cluster_name": "origin", "endpoints": [{ "lb_endpoints": [
                { "endpoint": { "address": socket(origin) } },
            ] }] },
        }],
    } });
    let path = folder.path().join("envoy.json");
    fs::write(&path, serde_json::to_vec(&configuration)?)?;
    let words = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c"];
    let arguments = words.map(PathBuf::from).into_iter().chain([path]);
    Peer::start("envoy", arguments, folder, address)
}

fn listener(scratch: &Scratch, address: SocketAddr, log: &std::path::Path) -> Value {
    let Certificates { certificate, key, trust } = Certificates::of(scratch);
    let of = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let manager = json!({
        "@type": of("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "callers",
        "access_log": [{ "name": "file", "typed_config": {
            "@type": of("access_loggers.file.v3.FileAccessLog"), "path": log,
        } }],
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
            "match": { "prefix": "/office/" },
            "route": { "cluster": "origin", "prefix_rewrite": "/api/" },
        }] }] },
        "http_filters": [{ "name": "router", "typed_config": {
            "@type": of("filters.http.router.v3.Router"),
        } }],
    });
    json!({
        "name": "callers",
        "address": socket(address),
        "filter_chains": [{
            "filters": [{ "name": "http", "typed_config": manager }],
            "transport_socket": { "name": "tls", "typed_config": {
                "@type": of("transport_sockets.tls.v3.DownstreamTlsContext"),
                "require_client_certificate": true,
                "disable_stateless_session_resumption": true,
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": { "filename": certificate },
                        "private_key": { "filename": key },
                    }],
                    "validation_context": { "trusted_ca": { "filename": trust } },
                },
            } },
        }],
    })
}

fn socket(address: SocketAddr) -> Value {
    let (ip, port) = (address.ip(), address.port());
    json!({ "socket_address": { "address": ip, "port_value": port } })
}
