//! `qaqpa` as a process of its own: started, asked, stopped, its output kept.

use crate::caller::until;
use crate::support::Ground;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

pub const QAQPA: &str = env!("CARGO_BIN_EXE_qaqpa");

/// `qaqpa serve`, ready.
pub struct Served {
    pub child: Child,
    output: Vec<JoinHandle<String>>,
    /// Base URLs of the doors, and where operations watch.
    pub callers: Vec<String>,
    pub ops: String,
}

/// What a process said and how it ended.
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
}

impl Served {
    pub async fn start(ground: &Ground) -> Self {
        Self::on(&ground.scratch.config, ground.state.path()).await
    }

    /// On another configuration, with a folder for what it says when it is ready.
    pub async fn on(config: &Path, state: &Path) -> Self {
        let ready_file = state.join("ready.json");
        let mut child = Command::new(QAQPA)
            .args(["serve", "--config"])
            .arg(config)
            .arg("--ready-file")
            .arg(&ready_file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = vec![keep(child.stdout.take().unwrap()), keep(child.stderr.take().unwrap())];
        let mut ended = None;
        until("qaqpa serve is ready", || {
            ended = child.try_wait().unwrap();
            ended.is_some() || ready_file.exists()
        })
        .await;
        if let Some(status) = ended {
            let said = output.into_iter().map(|kept| kept.join().unwrap());
            panic!("qaqpa serve ended, {status}: {}", said.collect::<String>());
        }
        let ready = std::fs::read_to_string(&ready_file).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let callers = ready["callers"].as_array().unwrap().iter();
        let callers = callers.map(|url| url.as_str().unwrap().to_owned()).collect();
        let ops = ready["ops_url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        std::fs::remove_file(ready_file).unwrap();
        Self { child, output, callers, ops }
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        until("qaqpa serve ends", || self.child.try_wait().unwrap().is_some()).await;
        let status = self.child.wait().unwrap();
        let output = std::mem::take(&mut self.output).into_iter();
        Ended { status, output: output.map(|kept| kept.join().unwrap()).collect() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A test that failed must leave no process behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn keep(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs `qaqpa` to its end.
pub fn run(arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = Command::new(QAQPA).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status, text(&output.stdout), text(&output.stderr))
}

/// `qaqpa serve` on a configuration that it must refuse.
pub fn serve(config: &Path) -> (Option<i32>, String) {
    let (status, _, errors) = run(&["serve", "--config", config.to_str().unwrap()]);
    (status.code(), errors)
}
