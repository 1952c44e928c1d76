//! An order is durable before its bank sees a byte, as the kernel saw it.

use crate::gate::{Gate, Portal};
use crate::house::{BANK, House, QAQPA, until};
use crate::strace::{self, Event, READS, WRITES, before};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_synced_to_disk_before_the_bank_sees_a_byte() {
    let house = House::on_sqlite("", 51).await;
    let is_written = |event: &Event| event.is(&["pwrite64"], "payments.sqlite-wal>");
    let syncs = |event: &Event, _: &Event| {
        event.is(&["fdatasync", "fsync"], "payments.sqlite-wal>") && event.is_good()
    };
    hold_order(house, is_written, syncs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orders_commit_is_acknowledged_before_the_bank_sees_a_byte() {
    let house = House::on_postgres("", 52).await;
    let (cluster, database) = house.database.as_ref().unwrap();
    let url = cluster.url("qaqpa_app", database);
    let port = url.split([':', '/']).find_map(|part| part.parse::<u16>().ok()).unwrap();
    let server = format!("->127.0.0.1:{port}]");
    let is_written = move |event: &Event| event.is(&WRITES, &server);
    // On the very connection that carried the rows.
    let acknowledges = |event: &Event, written: &Event| {
        let socket = written.text.split_once('>').map(|(socket, _)| socket).unwrap_or_default();
        event.is(&READS, "COMMIT\\0") && event.text.starts_with(socket)
    };
    hold_order(house, is_written, acknowledges).await;
}

/// Pays two charges one after the other, the second on a connection that is kept, and looks for the order
/// of each: the attempt written, durable, sent.
async fn hold_order(
    house: House,
    is_written: impl Fn(&Event) -> bool,
    makes_durable: impl Fn(&Event, &Event) -> bool,
) {
    let trace = house.folder.path().join("trace");
    let words = before(&trace, QAQPA);
    let gate = Gate::start(&house, &words[..words.len() - 1], None).await;
    let portal = Portal::new(&house);
    let mut orders = Vec::new();
    for number in 0..2 {
        let charge = portal.charge(&number.to_string()).await;
        let order = portal.pay(&charge, BANK).await.unwrap();
        until("the bank has posted it", async || {
            portal.read(&format!("/api/v1/payments/{order}")).await["state"] == "posted"
        })
        .await;
        orders.push(order);
    }
    gate.terminate();
    let mut events = Vec::new();
    until("strace has written it all", async || {
        strace::events(&trace).map(|all| events = all).is_some()
    })
    .await;
    for order in orders {
        let names = |event: &&Event| event.text.contains(&order);
        let attempt = events
            .iter()
            .filter(names)
            .find(|event| is_written(event) && event.text.contains("submitting"));
        let attempt = attempt.expect("the attempt is written");
        let end_to_end_id = format!("GW{}", order.replace('-', ""));
        let to_bank = format!("->{}]", house.banks[0].address);
        let sent = events
            .iter()
            .find(|event| event.is(&WRITES, &to_bank) && event.text.contains(&end_to_end_id));
        let sent = sent.expect("the order is sent to the bank");
        let durable = events
            .iter()
            .find(|event| event.begun > attempt.begun && makes_durable(event, attempt));
        let durable = durable.expect("the attempt is made durable");
        assert!(attempt.ended < durable.ended && durable.ended < sent.begun, "{order} came early");
    }
}
