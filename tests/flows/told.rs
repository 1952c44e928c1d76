//! What the log tells of a call must be findable in the journal.

use crate::standin::{PAY, StandIn};
use crate::support::{Installation, Plan};
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Of all threads of this process: what other tests log is told apart by its entries.
    pub fn logged() -> &'static Self {
        static LOGGED: LazyLock<Lines> = LazyLock::new(|| {
            let lines = Lines::default();
            let log = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone());
            tracing::subscriber::set_global_default(log.finish()).unwrap();
            lines
        });
        &LOGGED
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_names_the_entry_that_the_answer_names_also_for_a_repeated_call() {
    let lines = Lines::logged();
    let agency = StandIn::start().await;
    let plan = Plan { services: agency.services(20_000), ..Plan::default() };
    let house = Installation::with(plan).await;
    let caller = house.caller("portal");
    let message = caller.message(PAY, "<pay/>");
    let first = caller.post(caller.sign(&message)).await;
    let again = caller.post(caller.sign(&message)).await;
    assert_eq!((again.entry.as_deref(), agency.requests()), (first.entry.as_deref(), 1));
    let log = lines.text();
    let entry = format!("entry={}", first.entry.unwrap());
    let calls = log.lines().filter(|line| line.contains("qaqpa::access") && line.contains(&entry));
    assert_eq!(calls.count(), 2, "{log}");
    house.stop().await;
}
