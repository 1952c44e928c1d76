fn main() -> std::process::ExitCode {
    use clap::Parser;
    #[derive(Parser)] struct L { #[command(subcommand)] c: C }
    #[derive(clap::Subcommand)] enum C { Demo(qaqpa::command::demo::Args), Serve(qaqpa::command::serve::Args), Send(qaqpa::command::send::Args) }
    let r = match L::parse().c { C::Demo(a) => qaqpa::command::demo::run(a), C::Serve(a) => qaqpa::command::serve::run(a), C::Send(a) => qaqpa::command::send::run(a) };
    r.unwrap_or_else(|f| { eprintln!("{f}"); f.exit_code() })
}
