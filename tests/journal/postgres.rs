//! What only the cluster can go through: other nodes, roles, a server that dies or hangs.

use crate::bench::*;
use crate::postgres::Cluster;
use qaqpa::journal::entry::{CallKey, Opened, Opening, SameCall};
use qaqpa::journal::{Journal, JournalError, Migrated, Why, migrate};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

fn cluster(bench: &Bench) -> (&'static Cluster, &str) {
    let (cluster, database) = bench.database.as_ref().unwrap();
    (cluster, database)
}

#[tokio::test]
async fn a_database_without_the_schema_is_refused_with_the_command_that_makes_it() {
    let mut bench = Bench::postgres().await;
    let (cluster, _) = cluster(&bench);
    bench.settings.store = postgres_store(&cluster.url("qaqpa_app", &cluster.database()));
    let error = Journal::start(&bench.settings, "node-1").await.err().unwrap();
    assert!(matches!(error, JournalError::Schema { found: 0, wanted: 7, .. }), "{error}");
    assert!(error.to_string().contains("`qaqpa migrate --store postgres://qaqpa_app@"), "{error}");
}

#[tokio::test]
async fn migrating_again_only_makes_the_partitions_of_new_days() {
    let bench = Bench::postgres().await;
    let (cluster, database) = cluster(&bench);
    let owner = postgres_store(&cluster.url("qaqpa_migrate", database));
    let again = migrate(&owner, 3).await.unwrap();
    assert_eq!(again, Migrated { from: 7, to: 7, days_made: 2, days_late: 0 });
    let journal = bench.start().await;
    open(&journal, call(1), payment(), "fresh").await;
    open(&journal, call_at(2, now_us() + 40 * 86_400_000_000), payment(), "fresh").await;
    assert_eq!(bench.count("entry_opened_default"), 1, "beyond the partitions made ahead");
    let later = migrate(&owner, 41).await.unwrap();
    assert_eq!((later.days_made, later.days_late), (37, 1));
    assert_eq!(bench.count("entry_opened"), 2);
}

#[tokio::test]
async fn evidence_that_went_with_its_day_is_waited_for_no_more() {
    let bench = Bench::postgres().await;
    let journal = bench.start().await;
    let days_us = 40 * 86_400_000_000;
    let (kept, gone) = (call(1), call_at(2, now_us() + days_us));
    for opened in [&kept, &gone] {
        open(&journal, opened.clone(), payment(), "fresh").await;
        journal.close(unknown(opened)).await.unwrap();
    }
    for table in ["entry_opened", "entry_closed"] {
        bench.sql(&format!("DROP TABLE {table}_default")).unwrap();
    }
    let waiting = journal.unresolved(10).await.unwrap();
    assert_eq!(waiting.iter().map(|one| &*one.entry).collect::<Vec<_>>(), [kept.id.to_string()]);
    assert_eq!(bench.count("entry_waiting"), 2);
    bench.migrate().await;
    assert_eq!(bench.count("entry_waiting"), 1);
}

#[tokio::test]
async fn the_gateways_role_may_add_evidence_and_nothing_else() {
    let bench = Bench::postgres().await;
    let journal = bench.start().await;
    open(&journal, call(1), payment(), "fresh").await;
    let (cluster, database) = cluster(&bench);
    for table in ["entry_opened", "entry_closed", "entry_resolved", "entry_body", "day_key"] {
        for change in [
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
        ] {
            let refused = cluster.sql("qaqpa_app", database, &change).unwrap_err();
            let words = ["permission denied", "must be owner"];
            assert!(words.iter().any(|word| refused.contains(word)), "{change}: {refused}");
        }
    }
    let update = "UPDATE entry_opened SET message_id = ''";
    assert!(cluster.sql("qaqpa_app", database, update).unwrap_err().contains("permission denied"));
    let forged = "INSERT INTO schema_version VALUES (99, 0)";
    assert!(cluster.sql("qaqpa_app", database, forged).unwrap_err().contains("permission denied"));
}

#[tokio::test]
async fn two_nodes_carry_a_call_once_and_share_its_answer() {
    let bench = Bench::postgres().await;
    let nodes = [bench.start_node("node-1").await, bench.start_node("node-2").await];
    let mut calls = JoinSet::new();
    for turn in 0..100 {
        let journal = nodes[turn % 2].clone();
        calls.spawn(async move {
            let opened = call(1);
            loop {
                match journal.open(opened.clone(), payment()).await.unwrap() {
                    Opening::Fresh => {
                        let answer = opened.id.to_string();
                        journal.close(answered(&opened, answer.as_bytes())).await.unwrap();
                        return (true, answer.into_bytes());
                    }
                    Opening::Stored { answer, .. } => return (false, answer.to_vec()),
                    Opening::InFlight { .. } => assert!(journal.wait(opened.key, soon()).await),
                    other => panic!("{other:?}"),
                }
            }
        });
    }
    let ends = calls.join_all().await;
    assert_eq!(ends.iter().filter(|(is_fresh, _)| *is_fresh).count(), 1);
    assert!(ends.iter().all(|(_, answer)| *answer == ends[0].1));
    // Many keys at once, both nodes claiming in their own order: nobody waits in a circle.
    let mut calls = JoinSet::new();
    for turn in 0..200_u8 {
        let (journal, number) = (nodes[usize::from(turn % 2)].clone(), (turn / 2).reverse_bits());
        calls.spawn(async move { journal.open(call(number), payment()).await.unwrap() });
    }
    let openings = calls.join_all().await;
    let fresh = openings.iter().filter(|opening| word(opening) == "fresh").count();
    assert!(fresh >= 99, "the first key was answered before: {fresh}");
    assert_eq!(bench.count("entry_opened"), fresh + 1);
}

#[tokio::test]
async fn of_twins_at_two_nodes_at_once_one_is_let_in_and_none_is_refused_for_the_others() {
    let bench = Bench::postgres().await;
    let nodes = [bench.start_node("node-1").await, bench.start_node("node-2").await];
    let same_call = SameCall { unique_message_id: true, ..payment() };
    for round in 0..20 {
        let mut calls = JoinSet::new();
        // The keys of the one node lie in the order of the messageIds, those of the other against it.
        for (turn, journal) in
            (0..16_u8).flat_map(|turn| nodes.iter().map(move |node| (turn, node)))
        {
            let is_first = std::ptr::eq(journal, &nodes[0]);
            let mut key = [round; 32];
            key[0] = if is_first { turn } else { 255 - turn };
            let mut message_key = [round; 32];
            message_key[0] = turn;
            let twin = Opened { key: CallKey(key), message_key, ..call(turn) };
            let journal = journal.clone();
            calls.spawn(async move { journal.open(twin, same_call).await.unwrap() });
        }
        let openings = calls.join_all().await;
        let count = |told: &str| openings.iter().filter(|opening| word(opening) == told).count();
        assert_eq!((count("fresh"), count("twin")), (16, 16));
    }
}

#[tokio::test]
async fn a_node_id_in_use_is_refused_and_free_again_after_the_drain() {
    let bench = Bench::postgres().await;
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    let error = Journal::start(&bench.settings, "node-1").await.err().unwrap();
    assert!(matches!(&error, JournalError::NodeInUse(node) if node == "node-1"), "{error}");
    assert!(journal.entry(paid.id).await.unwrap().unwrap().closed.is_none(), "it is still ours");
    journal.close(answered(&paid, b"done")).await.unwrap();
    journal.drain(soon()).await.unwrap();
    bench.start().await;
}

#[tokio::test]
async fn a_node_never_has_more_connections_than_it_may() {
    let bench = Bench::postgres().await;
    let nodes = [bench.start_node("node-1").await, bench.start_node("node-2").await];
    open(&nodes[0], call(1), payment(), "fresh").await;
    let mut waits = JoinSet::new();
    for _ in 0..50 {
        let journal = nodes[1].clone();
        waits.spawn(async move { journal.wait(call(1).key, soon()).await });
    }
    for _ in 0..20 {
        open(&nodes[1], own_call(), payment(), "fresh").await;
        let (cluster, database) = cluster(&bench);
        let sessions = "SELECT count(*) FROM pg_stat_activity \
             WHERE application_name = 'qaqpa' AND datname = current_database()";
        let sessions: u32 = cluster.sql("postgres", database, sessions).unwrap().parse().unwrap();
        assert!(sessions <= 8, "{sessions} sessions of two nodes with four each");
    }
    assert!(!waits.is_empty());
}

/// Asks until the first refusal; each answer comes within the second that is promised.
async fn open_until_down(journal: &Journal) -> (Vec<Opened>, Why) {
    let mut opened = Vec::new();
    loop {
        let begun = Instant::now();
        let call = own_call();
        let result = journal.open(call.clone(), payment()).await;
        assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}", begun.elapsed());
        match result {
            Ok(_) => opened.push(call),
            Err(down) => return (opened, down.why),
        }
    }
}

#[tokio::test]
async fn a_server_that_dies_is_down_at_once_and_back_within_three_seconds() {
    let bench = Bench::fragile().await;
    let (cluster, _) = cluster(&bench);
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    cluster.stop_immediately();
    let (_, why) = open_until_down(&journal).await;
    assert_eq!(why, Why::Broken);
    assert!(!journal.is_ready());
    assert_eq!(journal.close(answered(&paid, b"done")).await.unwrap_err().why, Why::Slow);
    assert!(!journal.wait(call(2).key, Instant::now() + Duration::from_millis(50)).await);
    cluster.start_again();
    let begun = Instant::now();
    eventually(async || journal.is_ready()).await;
    open(&journal, call(2), payment(), "fresh").await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    open(&journal, call(1), payment(), "stored").await;
}

#[tokio::test]
async fn a_server_that_hangs_is_down_within_a_second_and_nothing_it_held_is_lost_or_stuck() {
    let bench = Bench::fragile().await;
    let (cluster, _) = cluster(&bench);
    let journal = bench.start().await;
    let first = open(&journal, call(1), payment(), "fresh").await;
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let journal = journal.clone();
        callers.spawn(async move { open_until_down(&journal).await });
    }
    // In the middle of their work.
    eventually(async || journal.stats().opened.read() > 200).await;
    let frozen = cluster.freeze();
    let mut opened: Vec<Opened> = vec![first];
    for (more, why) in callers.join_all().await {
        assert!([Why::Slow, Why::Broken].contains(&why), "{why:?}");
        opened.extend(more);
    }
    let (none, _) = open_until_down(&journal).await;
    assert!(none.is_empty() && !journal.is_ready());
    drop(frozen);
    let begun = Instant::now();
    eventually(async || journal.is_ready()).await;
    open(&journal, own_call(), payment(), "fresh").await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());

    for call in &opened {
        journal.close(answered(call, b"done")).await.unwrap();
    }
    // What the hanging server committed though its callers were refused is closed as Refused.
    assert_eq!(bench.count("entry_closed WHERE outcome = 'Done'"), opened.len());
    assert_eq!(bench.count("entry_under_way"), 1, "the call opened after the hang");
    assert_eq!(bench.count("entry_opened"), bench.count("entry_closed") + 1);
}

/// A root and a server's certificate for 127.0.0.1 below it: PEM files in the folder.
fn certificates(folder: &std::path::Path) {
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::new([]).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).unwrap();
    let issuer = rcgen::Issuer::new(root, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("root.pem"), root_certificate.pem()).unwrap();
    std::fs::write(folder.join("server.pem"), server.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn tls_to_the_server_is_verified_by_the_roots_that_the_url_names() {
    let mut bench = Bench::postgres().await;
    let (cluster, database) = bench.database.clone().unwrap();
    let folder = bench.folder.path().to_owned();
    certificates(&folder);
    cluster.use_certificate(&folder.join("server.pem"), &folder.join("server.key"));
    let url = cluster.url("qaqpa_app", &database);
    let with_roots = |roots: &str| {
        let roots = folder.join(roots).display().to_string();
        postgres_store(&format!("{url}?sslmode=require&sslrootcert={roots}"))
    };
    let (right, wrong) = (with_roots("root.pem"), with_roots("server.pem"));
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE ssl AND application_name = 'qaqpa' AND datname = current_database()";
    let encrypted = || cluster.sql("postgres", &database, encrypted).unwrap();
    bench.settings.store = wrong;
    let error = Journal::start(&bench.settings, "node-1").await.err().unwrap().to_string();
    assert!(error.contains("certificate"), "{error}");
    bench.settings.store = right;
    let journal = bench.start().await;
    open(&journal, call(1), payment(), "fresh").await;
    assert_ne!(encrypted(), "0");
}
