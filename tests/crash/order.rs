//! Open before send, as the kernel saw it: strace tells the order of disk, database and sockets.

use crate::books::Books;
use crate::callers::{Asked, Caller};
use crate::house::{House, PAYMENT, READ, until};
use crate::strace::{self, Event, READS, WRITES, before};
use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_synced_to_disk_before_the_agency_sees_a_byte() {
    let is_written = |event: &Event| event.is(&["pwrite64"], "journal.sqlite-wal>");
    let is_durable =
        |event: &Event| event.is(&["fdatasync", "fsync"], "journal.sqlite-wal>") && event.is_good();
    hold_order(House::on_sqlite().await, |_| (Box::new(is_written), Box::new(is_durable))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_acknowledged_before_the_agency_sees_a_byte() {
    let house = House::on_postgres().await;
    let (cluster, database) = house.database.as_ref().unwrap();
    let url = cluster.url("qaqpa_app", database);
    let port = url.split([':', '/']).find_map(|part| part.parse::<u16>().ok()).unwrap();
    let server = format!("->127.0.0.1:{port}]");
    hold_order(house, move |events| {
        // Of all sessions, the one that writes entries: others commit at their own times.
        let is_entry = |event: &&Event| {
            event.is(&WRITES, &server) && event.text.contains("INSERT INTO entry_opened")
        };
        let journal = events.iter().find(is_entry).expect("a session of the journal").descriptor();
        let of_journal = journal.clone();
        let is_written = move |event: &Event| event.is(&WRITES, &journal) && binds(event);
        let is_durable = move |event: &Event| event.is(&READS, &of_journal) && is_idle(event);
        (Box::new(is_written) as Is, Box::new(is_durable) as Is)
    })
    .await;
}

/// Which events are meant.
type Is = Box<dyn Fn(&Event) -> bool>;

/// Begins with a Bind: a group is one statement with parameters.
fn binds(event: &Event) -> bool {
    event.text.contains("\"B\\0")
}

/// Says ReadyForQuery, outside of a transaction: what was asked is committed.
fn is_idle(event: &Event) -> bool {
    event.text.contains("Z\\0\\0\\0\\5I")
}

/// Makes two calls of each kind, the first on a new connection to the agency and the second on the
/// kept one, and looks for the order of each: written, durable, sent; written, durable, answered.
async fn hold_order(house: House, looked_for: impl FnOnce(&[Event]) -> (Is, Is)) {
    let trace = house.folder.path().join("trace");
    let program = before(&trace, env!("CARGO_BIN_EXE_qaqpa"));
    let mut gate = house.open_with(&program).await;
    let caller = Caller::new(&house, &gate);
    let mut marks = Vec::new();
    for service in [PAYMENT, READ, PAYMENT, READ] {
        let mark = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let asked = caller.ask(service).await;
        assert_eq!(asked.answered.as_ref().unwrap().0.fault, None);
        until("the call is closed", async || is_closed(&house, &asked)).await;
        marks.push((service, mark));
    }
    gate.process.terminate();
    let gate_port = gate.soap_url.split([':', '/']).find_map(|part| part.parse::<u16>().ok());
    let to_caller = format!("[127.0.0.1:{}->", gate_port.unwrap());
    let mut events = Vec::new();
    until("strace has written it all", async || {
        strace::events(&trace).map(|all| events = all).is_some()
    })
    .await;
    let (is_written, is_durable) = looked_for(&events);
    for (place, (service, mark)) in marks.iter().enumerate() {
        let end = marks.get(place + 1).map_or(f64::MAX, |(_, next)| *next);
        let during = |event: &&Event| (*mark..end).contains(&event.unix_s);
        let events: Vec<&Event> = events.iter().filter(during).collect();
        let agency = house.agency_port(service);
        let is_sent = |event: &&&Event| {
            event.is(&WRITES, &format!("->127.0.0.1:{agency}]"))
                || event.is(&["connect"], &format!("htons({agency})"))
        };
        let sent = events.iter().find(is_sent).expect("something sent to the agency").begun;
        let last = |is: &dyn Fn(&Event) -> bool, moment: usize, after: usize| {
            let ends = events.iter().filter(|event| is(event)).map(|event| event.ended);
            ends.filter(|end| (after..moment).contains(end)).max()
        };
        let durable_before = |moment: usize, after: usize| {
            let written = last(&is_written, moment, after);
            written.is_some() && last(&is_durable, moment, after) > written
        };
        assert!(durable_before(sent, 0), "call {place}, {service}: sent before it was durable");
        let is_answer = |event: &&&Event| event.begun > sent && event.is(&WRITES, &to_caller);
        let answered = events.iter().find(is_answer).expect("an answer to the caller").begun;
        if *service == PAYMENT {
            assert!(durable_before(answered, sent), "call {place}: answered before it was durable");
        }
    }
}

fn is_closed(house: &House, asked: &Asked) -> bool {
    Books::read(house).of(&asked.message_id).iter().any(|entry| !entry.is_open())
}
