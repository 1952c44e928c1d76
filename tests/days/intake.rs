//! Registers that come by themselves: uploaded by their bank, or put into a watched folder, taken in once.

use crate::house::{AMOUNT, DAY, HOUR_US, MORNING_US, payment, register, row};
use qaqpa::command::client::Client;
use qaqpa::command::demo::installation::Installation;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::interval;

async fn installed() -> (tempfile::TempDir, Installation) {
    let state = tempfile::tempdir().unwrap();
    let installation = Installation::start(state.path(), None).await.unwrap();
    (state, installation)
}

async fn post(client: &Client, path: &str, bytes: Vec<u8>) -> (u16, Value) {
    let posted = client.post_to(path, &[("content-type", "text/csv")], bytes).await.unwrap();
    (posted.http_status, serde_json::from_slice(&posted.body).unwrap_or_default())
}

/// Looks until it is so; no longer than half a minute.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    let mut looks = interval(Duration::from_millis(50));
    while !is_so().await {
        assert!(Instant::now() < patience, "it did not come to be");
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_is_uploaded_by_its_own_bank_and_the_same_file_again_is_the_same_run() {
    let (state, installation) = installed().await;
    let payments = installation.running.gate.payments().unwrap().clone();
    let paid = payment(&payments, "1", MORNING_US).await;
    let (bank, portal) =
        (installation.client("bank").unwrap(), installation.client("portal").unwrap());
    let rows = [row(&paid.end_to_end_id, "471", AMOUNT, DAY)];
    let path = "/api/v1/registers/demo";
    let (status, taken) = post(&bank, path, register(DAY, &rows)).await;
    assert_eq!(status, 202, "{taken}");
    let run = taken["run"].as_str().unwrap().to_owned();
    let place = format!("/api/v1/registers/{run}");
    let told = async || {
        let told = bank.get(&place).await.unwrap();
        assert_eq!(told.http_status, 200);
        serde_json::from_slice::<Value>(&told.body).unwrap()
    };
    until(async || told().await["state"] == "done").await;
    let done = told().await;
    assert_eq!((&done["matched"], &done["breaks"]), (&json!(1), &json!({})), "{done}");
    assert_eq!(done["opdate"], DAY);
    let (status, again) = post(&bank, path, register(DAY, &rows)).await;
    assert_eq!((status, &again["run"], &again["state"]), (202, &json!(run), &json!("done")));
    let reports = state.path().join("reconcile/reports/demo").join(&run);
    assert!(reports.join("manifest.json").exists());
    until(async || files(&state.path().join("reconcile/registers/demo")) == 1).await;
    assert_eq!(files(&state.path().join("reconcile/spool")), 0);

    // Nobody else brings this bank's registers, or sees what came of them.
    let (status, told) = post(&portal, path, register(DAY, &[])).await;
    assert_eq!((status, &told["reason"]), (403, &json!("not_this_bank")), "{told}");
    let (status, _) = post(&bank, "/api/v1/registers/nobody", register(DAY, &[])).await;
    assert_eq!(status, 403);
    assert_eq!(portal.get(&place).await.unwrap().http_status, 404);
    assert_eq!(bank.get("/api/v1/registers/none").await.unwrap().http_status, 404);
    let (status, _) = post(&bank, path, Vec::new()).await;
    assert_eq!(status, 400);
    assert_eq!(files(&state.path().join("reconcile/spool")), 0, "what is refused leaves nothing");

    // What is wrong is refused whole, with the row to blame; a day that is open waits.
    let mut wrong = register(DAY, &rows);
    wrong.truncate(wrong.len() - 30);
    let (_, taken) = post(&bank, path, wrong).await;
    let place = format!("/api/v1/registers/{}", taken["run"].as_str().unwrap());
    let state_of = async |place: &str| {
        let told = bank.get(place).await.unwrap();
        serde_json::from_slice::<Value>(&told.body).unwrap()
    };
    until(async || state_of(&place).await["state"] == "refused").await;
    assert!(state_of(&place).await["reason"].as_str().unwrap().contains("trailer"));
    let (_, taken) = post(&bank, path, register("2999-01-02", &[])).await;
    let place = format!("/api/v1/registers/{}", taken["run"].as_str().unwrap());
    until(async || !state_of(&place).await["reason"].as_str().unwrap().is_empty()).await;
    let waits = state_of(&place).await;
    assert!(waits["state"] == "waiting" && waits["reason"].as_str().unwrap().contains("is open"));
    assert_eq!(installation.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_a_watched_folder_is_taken_when_it_is_whole_and_moved_with_its_reason() {
    let (state, installation) = installed().await;
    let payments = installation.running.gate.payments().unwrap().clone();
    let paid = payment(&payments, "1", MORNING_US + HOUR_US).await;
    let folder = state.path().join("registers/demo");
    std::fs::create_dir_all(&folder).unwrap();
    let rows = [row(&paid.end_to_end_id, "471", AMOUNT + 5, DAY)];
    let good = register(DAY, &rows);
    std::fs::write(folder.join(".hidden"), b"x").unwrap();
    std::fs::write(folder.join("half.part"), b"x").unwrap();
    std::fs::write(folder.join("wrong.csv"), b"x").unwrap();
    std::fs::write(folder.join("good.csv"), &good).unwrap();
    let (done, refused) = (folder.join("done/good.csv"), folder.join("refused/wrong.csv"));
    until(async || done.exists() && refused.exists()).await;
    assert_eq!(std::fs::read(&done).unwrap(), good);
    let reason = std::fs::read_to_string(folder.join("refused/wrong.csv.reason.txt")).unwrap();
    assert!(reason.contains("does not stand first"), "{reason}");
    assert!(folder.join(".hidden").exists() && folder.join("half.part").exists());
    let counts = payments.break_counts().await.unwrap();
    assert_eq!((counts.len(), counts[0].category.as_str()), (1, "AMOUNT_MISMATCH"));
    // The same file under another name is no second run.
    std::fs::write(folder.join("again.csv"), &good).unwrap();
    until(async || folder.join("done/again.csv").exists()).await;
    assert_eq!(payments.reconcile_runs("demo", 9).await.unwrap().len(), 2, "one done, one refused");
    assert_eq!(installation.stop().await, 0);
}

/// Files of a folder; none where it is not there.
fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
