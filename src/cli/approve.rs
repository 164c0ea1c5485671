//! `warroom approve`: the second person's yes, from a login of their own.

use std::path::PathBuf;

use clap::Args;

use super::{Common, Failure, Which};
use crate::runtime::socket::{self, Answer, Request};
use crate::tui::format;

#[derive(Args)]
pub(super) struct ApproveArgs {
    /// The number that the room shows. Without one, what waits is listed.
    #[arg(requires = "reason")]
    approval: Option<u64>,
    /// What you have looked at, and why you agree.
    #[arg(long, requires = "approval")]
    reason: Option<String>,
    /// Only list what waits.
    #[arg(long, conflicts_with = "approval")]
    list: bool,
    /// The room's socket, as the room shows it; otherwise the one that belongs to the log.
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(common: &Common, args: &ApproveArgs) -> Result<(), Failure> {
    let ask = |request: &Request| ask(common, args, request);
    let waiting = ask(&Request::Requests)?.requests;
    if waiting.is_empty() {
        say!("nothing waits for a second person");
    }
    let about = |n: u64| waiting.iter().filter(move |request| args.approval.is_none() || request.approval == n);
    for request in about(args.approval.unwrap_or_default()) {
        say!("approval {} · asked by {} · {} left", request.approval, request.by, format::duration(request.left_s));
        say!("  {} · {}", request.switch, request.about);
        say!("  {}", request.effect);
        for (label, value) in [("targets", &request.size), ("tested", &request.tested)] {
            if !value.is_empty() {
                say!("  {label}: {value}");
            }
        }
        say!("  {}", request.call);
    }
    if args.approval.is_none() && !waiting.is_empty() {
        say!("warroom approve NUMBER --reason 'what you have looked at' says yes to one");
    }
    let (Some(approval), Some(reason)) = (args.approval, &args.reason) else { return Ok(()) };
    let answer = ask(&Request::Approve { approval, reason: reason.clone() })?;
    match (answer.recorded, answer.error) {
        (Some(seq), _) => {
            say!("recorded {seq}");
            Ok(())
        }
        (None, error) => Err(Failure::Run(error.unwrap_or_else(|| "no answer".into()))),
    }
}

fn ask(common: &Common, args: &ApproveArgs, request: &Request) -> Result<Answer, Failure> {
    let path = match &args.socket {
        Some(path) => path.clone(),
        None => common.config()?.unwrap_or_default().socket(&args.which.path(common)?),
    };
    let answer = socket::ask(&path, request).map_err(Failure::Run)?;
    answer.ok_or_else(|| Failure::Run(format!("no room is open here: nobody answers at {}", path.display())))
}
