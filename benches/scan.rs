//! Cost of the one reading of a message: the XML pass that everything later looks at.

#[path = "steps/messages.rs"]
mod messages;

use criterion::{Criterion, Throughput};
use messages::{Fallible, SIZES, message};
use qaqpa_kit::xml::{Document, Limits};
use std::hint::black_box;

fn main() -> Fallible<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("scan");
    for (name, bytes) in SIZES {
        let message = message(bytes);
        let limits = Limits::default();
        Document::scan(&message, &limits).map_err(|error| error.reason)?;
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| Document::scan(black_box(&message), &limits).is_ok());
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
