//! No journal, no money: what the gateway does while its PostgreSQL hangs or is gone.

use crate::caller::{Caller, text};
use crate::postgres::Cluster;
use crate::refusal::told;
use crate::standin::{PAY, StandIn};
use crate::support::{Installation, PATIENCE, Plan};
use qaqpa::command::client::Posted;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};

/// Tests that hurt a server share one of their own, one after another.
static SERVER: Mutex<Option<Cluster>> = Mutex::const_new(None);

struct Bench {
    server: MutexGuard<'static, Option<Cluster>>,
    agency: StandIn,
    installation: Installation,
}

impl Bench {
    async fn lay() -> Self {
        let mut server = SERVER.lock().await;
        let cluster = tokio::task::block_in_place(|| server.get_or_insert_with(Cluster::start));
        let url = cluster.url("qaqpa_migrate", &cluster.database());
        let agency = StandIn::holding().await;
        let plan = Plan { services: agency.services(60_000), store: Some(url), ..Plan::default() };
        Self { installation: Installation::with(plan).await, server, agency }
    }

    fn server(&self) -> &Cluster {
        self.server.as_ref().unwrap()
    }
}

fn assert_journal_down(posted: &Posted, phase: &str) {
    assert_eq!(posted.fault.as_deref(), Some("gateway.journal_down"), "{}", text(posted));
    let told = told(posted);
    assert_eq!((posted.http_status, told.fault_code.as_str()), (500, "soap:Server"));
    assert!(told.data.contains(&format!("(phase {phase}")), "{told:?}");
    assert!(posted.entry.is_some());
}

/// Posts the same bytes until the journal is there again.
async fn until_answered(portal: &Caller, message: &[u8]) -> Posted {
    let asking = async {
        loop {
            let posted = portal.post(message).await;
            if posted.fault.is_none() {
                return posted;
            }
            let fault = posted.fault.as_deref().unwrap();
            let may_be = ["gateway.journal_down", "caller.in_progress"];
            assert!(may_be.contains(&fault), "{}", text(&posted));
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the journal comes back")
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_journal_hangs_nothing_is_sent_and_afterwards_it_is_sent_once() {
    let bench = Bench::lay().await;
    let (agency, installation) = (&bench.agency, &bench.installation);
    agency.release(100);
    let portal = installation.caller("portal");
    assert_eq!(portal.ask(PAY, "<before/>").await.http_status, 200);
    let message = portal.sign(&portal.message(PAY, "<while/>"));
    let frozen = bench.server().freeze();
    let posted = portal.post(message.clone()).await;
    assert_journal_down(&posted, "open");
    assert!(posted.retry_after_s.is_some());
    assert_eq!(agency.requests(), 1, "nothing was sent");
    drop(frozen);
    let posted = until_answered(&portal, &message).await;
    assert_eq!((posted.http_status, agency.requests()), (200, 2), "{}", text(&posted));
    bench.installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_answered_while_the_journal_hangs_is_told_only_when_it_is_kept() {
    let bench = Bench::lay().await;
    let (agency, installation) = (&bench.agency, &bench.installation);
    let portal = Arc::new(installation.caller("portal"));
    let message = portal.sign(&portal.message(PAY, "<order/>"));
    let first = {
        let (portal, message) = (Arc::clone(&portal), message.clone());
        tokio::spawn(async move { portal.post(message).await })
    };
    agency.until_requests(1).await;
    let frozen = bench.server().freeze();
    agency.release(100);
    let first = first.await.unwrap();
    assert_journal_down(&first, "close");
    assert!(!told(&first).message.contains("не отправлено"), "it was sent: {}", text(&first));
    drop(frozen);
    let again = until_answered(&portal, &message).await;
    assert_eq!((again.http_status, agency.requests()), (200, 1), "the answer was kept");
    let entry = installation.entry(&again).await;
    assert_eq!((entry.line().as_str(), again.entry), ("Done", first.entry));
    bench.installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_gone_is_used_again_when_it_is_back() {
    let bench = Bench::lay().await;
    let (agency, installation) = (&bench.agency, &bench.installation);
    agency.release(100);
    let portal = installation.caller("portal");
    assert_eq!(portal.ask(PAY, "<before/>").await.http_status, 200);
    bench.server().stop_immediately();
    let message = portal.sign(&portal.message(PAY, "<while/>"));
    assert_journal_down(&portal.post(message.clone()).await, "open");
    assert_eq!(agency.requests(), 1);
    tokio::task::block_in_place(|| bench.server().start_again());
    let posted = until_answered(&portal, &message).await;
    assert_eq!((posted.http_status, agency.requests()), (200, 2), "{}", text(&posted));
    bench.installation.stop().await;
}
