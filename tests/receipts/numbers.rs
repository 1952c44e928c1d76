//! Numbers of four processes whose clocks jump: none is there twice.

use qaqpa::payments::receipt::Number;
use qaqpa::payments::record::Id;
use std::io::{BufWriter, Read, Write};
use std::process::{Command, Stdio};

const CHILD: &str = "QAQPA_TEST_RECEIPT_NUMBERS_CHILD";
/// All processes together; `make receipts` asks for ten million.
const NUMBERS: &str = "QAQPA_RECEIPT_NUMBERS";
const PROCESSES: usize = 4;
/// 2026-11-25T05:00:00Z, as in the other tests of payments.
const MORNING_US: i64 = 1_795_582_800_000_000;
const DAY_US: i64 = 86_400_000_000;

fn count() -> usize {
    std::env::var(NUMBERS).map_or(80_000, |count| count.parse().expect(NUMBERS))
}

#[test]
fn four_processes_with_jumping_clocks_never_make_a_number_twice() {
    let count = count() / PROCESSES;
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["numbers::a_process_that_makes_numbers", "--exact", "--nocapture"])
                .env(CHILD, count.to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut values: Vec<u128> = Vec::with_capacity(count * PROCESSES);
    // All are read at once: a pipe that is full would let its process wait.
    let readers: Vec<_> = children
        .into_iter()
        .map(|mut child| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                child.stderr.take().unwrap().read_to_end(&mut bytes).unwrap();
                assert!(child.wait().unwrap().success());
                bytes
            })
        })
        .collect();
    for reader in readers {
        let bytes = reader.join().unwrap();
        let own =
            bytes.chunks_exact(16).map(|value| u128::from_be_bytes(value.try_into().unwrap()));
        values.extend(own);
    }
    assert_eq!(values.len(), count * PROCESSES);
    let times: Vec<u64> = values.iter().map(|value| u64::try_from(value >> 80).unwrap()).collect();
    let steps_back = times.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!(steps_back > count / 100, "the clocks did not jump: {steps_back}");
    values.sort_unstable();
    let made = values.len();
    values.dedup();
    assert_eq!(values.len(), made, "a number was made twice");
    println!("{made} numbers of {PROCESSES} processes, clocks stepped back {steps_back} times");
}

/// A child of the test above; alone it does nothing.
#[test]
fn a_process_that_makes_numbers() {
    let Ok(count) = std::env::var(CHILD) else { return };
    let count: usize = count.parse().unwrap();
    let mut out = BufWriter::new(std::io::stderr().lock());
    let mut at_us = MORNING_US;
    for made in 0..count {
        // The clock stands still most of the time, and jumps a day ahead or back.
        match made % 64 {
            31 => at_us += DAY_US,
            63 => at_us -= DAY_US,
            _ => {}
        }
        let number = Number::of(&Id::at(at_us)).expect("an id of ours");
        // The way of a number that somebody typed.
        let order = Number::parse(&number.grouped()).unwrap().order().unwrap();
        let id: uuid::Uuid = order.text().parse().unwrap();
        out.write_all(id.as_bytes()).unwrap();
    }
}
