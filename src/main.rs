//! The one binary: subcommands, exit codes, and nothing else.

use clap::{Parser, Subcommand};
use qaqpa::command::{
    Failure, act, agencies, canonicalize, check, demo, evidence, explain, migrate,
};
use qaqpa::command::{payments, reconcile, register, resolve, send, serve, sign, simulate, verify};
use std::process::ExitCode;

/// Many small texts a call, taken on one thread and given back on another: the system's allocator
/// pays more for that than for anything else it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Қақпа: the integration gateway of an e-government.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Args),
    /// Show the main job on a throw-away installation, then stay up for trying by hand.
    Demo(demo::Args),
    /// Check a configuration and say everything that is wrong with it.
    Check(check::Args),
    /// Sign a call, post it, print request and answer.
    Send(send::Args),
    /// Sign a message.
    Sign(sign::Args),
    /// Verify a signed message and say what was covered.
    Verify(verify::Args),
    /// Explain what a signature covered, which rule failed, and what a sender usually did wrong.
    Explain(explain::Args),
    /// Print the canonical form of a document or of one element.
    Canonicalize(canonicalize::Args),
    /// List agencies, their services and what their codes mean.
    Agencies(agencies::Args),
    /// Stand in for an agency.
    Simulate(simulate::Args),
    /// Bring the journal's store to this gateway's schema.
    Migrate(migrate::Args),
    /// See and settle the payments that wait for a person.
    Payments(payments::Args),
    /// Hold a journal and a bank's register of one operating day against each other.
    Reconcile(reconcile::Args),
    /// Make the act of a reconciliation, and enter it when both sides have signed.
    Act(act::Args),
    /// Look at a bank's file: its form, its rows and sums, and whether it keeps its promises.
    Register(register::Args),
    /// Show what the journal holds of an entry, or which entries wait for evidence.
    Evidence(evidence::Args),
    /// Say what became of a call that was left Unknown.
    Resolve(resolve::Args),
}

fn main() -> ExitCode {
    qaqpa::command::hide_memory();
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            let is_help = !error.use_stderr();
            // A closed pipe is the reader's choice, not a failure.
            let _printed = error.print();
            return if is_help { ExitCode::SUCCESS } else { ExitCode::from(64) };
        }
    };
    run(line.command).unwrap_or_else(|failure: Failure| {
        eprintln!("qaqpa: {failure}");
        failure.exit_code()
    })
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Check(args) => check::run(args),
        Command::Send(args) => send::run(args),
        Command::Sign(args) => sign::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Canonicalize(args) => canonicalize::run(args),
        Command::Agencies(args) => agencies::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Migrate(args) => migrate::run(args),
        Command::Payments(args) => payments::run(args),
        Command::Reconcile(args) => reconcile::run(args),
        Command::Act(args) => act::run(args),
        Command::Register(args) => register::run(args),
        Command::Evidence(args) => evidence::run(args),
        Command::Resolve(args) => resolve::run(args),
    }
}
