//! A gateway that is killed amid payments, or that lost its journal: the same key gets the same bytes.

use crate::caller::Caller;
use crate::charges::{charge_with, post, read, stores};
use crate::served::Served;
use crate::support::{Ground, Plan};
use qaqpa::{journal, payments};
use serde_json::json;
use std::sync::Arc;

const KILLS: usize = 8;
const CALLS_A_LIFE: usize = 6;

async fn ground(plan: &Plan) -> Ground {
    let ground = Ground::lay(plan).await;
    if plan.store.is_some() {
        let settings = ground.settings();
        journal::migrate(&settings.journal.store, 2).await.unwrap();
        payments::migrate(&settings.payments.store).await.unwrap();
    }
    ground
}

fn caller(ground: &Ground, served: &Served) -> Arc<Caller> {
    Arc::new(Caller::new(&ground.scratch, &served.callers[0], "portal", Some("portal")))
}

/// A registration without a number: made twice, it would be two charges.
fn body(serial: usize) -> String {
    charge_with("amount_tiyn", json!(1_000 + serial)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_amid_registrations_makes_each_of_them_once() {
    for plan in stores().await {
        let ground = ground(&plan).await;
        let mut heard = Vec::new();
        for life in 0..KILLS {
            let served = Served::start(&ground).await;
            let portal = caller(&ground, &served);
            let first = life * CALLS_A_LIFE;
            let calls: Vec<_> = (first..first + CALLS_A_LIFE)
                .map(|serial| {
                    let portal = Arc::clone(&portal);
                    let headers = [("content-type", "application/json")];
                    let key = format!("k-{serial}");
                    tokio::spawn(async move {
                        let headers = [headers[0], ("idempotency-key", key.as_str())];
                        let asked = portal.client.post_to(
                            "/api/v1/charges",
                            &headers,
                            body(serial).into_bytes(),
                        );
                        (serial, asked.await.ok())
                    })
                })
                .collect();
            // Some lives end at once, some after their first answers.
            let mut calls = calls.into_iter();
            for call in calls.by_ref().take(life % CALLS_A_LIFE) {
                heard.push(call.await.unwrap());
            }
            served.signal("KILL");
            for call in calls {
                heard.push(call.await.unwrap());
            }
            served.ended().await;
        }
        let served = Served::start(&ground).await;
        let portal = caller(&ground, &served);
        for (serial, answered) in heard {
            let key = format!("k-{serial}");
            let again = post(&portal, "charges", Some(&key), &body(serial)).await;
            assert_eq!(again.http_status, 201, "{key}: {}", read(&again));
            if let Some(answered) = answered.filter(|answered| answered.http_status == 201) {
                assert_eq!(answered.body, again.body, "{key}");
            }
        }
        let path = format!("/api/v1/charges?payer={}&limit=1000", crate::charges::PAYER);
        let open = read(&portal.client.get(&path).await.unwrap());
        let open = open["charges"].as_array().unwrap();
        let mut amounts: Vec<_> = open.iter().map(|one| one["amount_tiyn"].as_i64()).collect();
        amounts.sort_unstable();
        amounts.dedup();
        assert_eq!((amounts.len(), open.len()), (KILLS * CALLS_A_LIFE, KILLS * CALLS_A_LIFE));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_outlives_the_journal() {
    let ground = ground(&Plan::default()).await;
    let served = Served::start(&ground).await;
    let made = post(&caller(&ground, &served), "charges", Some("k"), &body(0)).await;
    assert_eq!(made.http_status, 201);
    served.signal("KILL");
    served.ended().await;
    let journal = ground.state.path().join("journal.sqlite");
    for end in ["", "-wal", "-shm"] {
        let _absent = std::fs::remove_file(format!("{}{end}", journal.display()));
    }
    let served = Served::start(&ground).await;
    let portal = caller(&ground, &served);
    let conflict = post(&portal, "charges", Some("k"), &body(1)).await;
    assert_eq!((conflict.http_status, conflict.fault.as_deref()), (409, Some("caller.conflict")));
    let again = post(&portal, "charges", Some("k"), &body(0)).await;
    assert_eq!((again.http_status, again.body), (201, made.body));
}
