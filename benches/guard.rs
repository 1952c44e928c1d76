//! Cost of judging HTTP/1 framing before hyper reads it: a head of 500 bytes, bodies of both kinds.

use criterion::{Criterion, Throughput};
use qaqpa::proxy::guard::{Guard, Step};
use std::hint::black_box;

const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// What a SyncChannel client of the Java world sends, filled up to 500 bytes; it asks for this body.
fn head(framing: &str) -> String {
    let start = format!(
        "POST /bip-sync-wss-gost/SyncChannelWSImplService HTTP/1.1\r\n\
         Host: gateway.example.kz:8443\r\nAccept: text/xml, multipart/related\r\n\
         Content-Type: text/xml; charset=utf-8\r\n\
         SOAPAction: \"http://bip.bee.kz/SyncChannel/v10/Interfaces/SendMessage\"\r\n\
         User-Agent: JAX-WS RI 2.2.9-b130926.1035 svn-revision#5f6196f2\r\n\
         Connection: keep-alive\r\n{framing}\r\nX-Request: "
    );
    let filled = 500_usize.saturating_sub(start.len() + 4);
    format!("{start}{}\r\n\r\n", "x".repeat(filled))
}

/// Follows the requests of one connection to their end.
fn follow(mut bytes: &[u8]) -> usize {
    let mut guard = Guard::new(HEAD_BYTES_MAX, HEADERS_MAX);
    let mut requests = 0;
    while let Ok(Step::Pass(passed) | Step::End(passed)) = guard.feed(bytes) {
        requests += usize::from(guard.is_between_bodies());
        bytes = bytes.get(passed..).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
    }
    requests
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("guard");
    let body = "x".repeat(16 * 1024);
    let chunk = format!("{:x}\r\n{}\r\n", 4096, "x".repeat(4096));
    let chunks = chunk.repeat(4) + "0\r\n\r\n";
    for (name, request) in [
        ("head of 500 bytes", head("Content-Length: 0")),
        ("with 16 KiB by length", head("Content-Length: 16384") + &body),
        ("with 16 KiB in chunks", head("Transfer-Encoding: chunked") + &chunks),
    ] {
        assert_eq!(follow(request.as_bytes()), 1, "{name}");
        group.throughput(Throughput::Bytes(request.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| follow(black_box(request.as_bytes())));
        });
    }
    group.finish();
    criterion.final_summary();
}
