//! What the gateway passes on, foreign backends read as exactly the requests that it meant.

use super::backends::Backend;
use super::door::{self, Opened, exchange};
use super::{accepted, refused};

/// Sends one stream of bytes; every request that got in must have been read alike behind it.
async fn send(door: &Opened, backend: &Backend, name: &str, bytes: &[u8], total: &mut usize) {
    for (is_bytewise, how) in [(false, "whole"), (true, "byte by byte")] {
        let pieces = bytes.chunks(if is_bytewise { 1 } else { bytes.len() });
        let answers = exchange(door.address, pieces, true).await;
        let read: Vec<String> = answers
            .0
            .iter()
            .filter(|answer| answer.status == 200)
            .map(|answer| String::from_utf8_lossy(&answer.body).trim_end().to_owned())
            .collect();
        let meant = door.notes.take_meant();
        *total += meant.len();
        assert_eq!(read, meant, "{name} ({how})");
        assert_eq!(backend.count().await, *total, "{name} ({how})");
    }
}

/// All cases, plain and ambiguous, each alone and behind a plain request.
async fn read_alike(backend: Backend) {
    let door = door::open(Some(backend.address)).await;
    let before = b"POST /before HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok".as_slice();
    let mut total = backend.count().await;
    for case in accepted::cases() {
        send(&door, &backend, case.name, &case.bytes, &mut total).await;
    }
    for case in refused::cases().iter().filter(|case| case.bytes.len() < 1000) {
        send(&door, &backend, case.name, &case.bytes, &mut total).await;
        send(&door, &backend, case.name, &[before, &case.bytes].concat(), &mut total).await;
    }
    assert!(total > 300, "{total}");
}

#[tokio::test]
async fn nginx_reads_the_requests_that_the_gateway_meant() {
    read_alike(Backend::nginx().await).await;
}

#[tokio::test]
async fn haproxy_reads_the_requests_that_the_gateway_meant() {
    read_alike(Backend::haproxy().await).await;
}

#[tokio::test]
async fn node_reads_the_requests_that_the_gateway_meant() {
    read_alike(Backend::node().await).await;
}

#[tokio::test]
async fn pythons_http_server_reads_the_requests_that_the_gateway_meant() {
    read_alike(Backend::http_server().await).await;
}

#[tokio::test]
async fn h11_reads_the_requests_that_the_gateway_meant() {
    read_alike(Backend::h11().await).await;
}
