//! The program actuator: an argument vector, never a shell.
//!
//! The program gets a clean environment and the variables that it is named, a time to finish in, and no way to write to
//! our terminal. What it prints is read up to a bound and made safe to show.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::Secrets;
use crate::domain::input::Outcome;
use crate::domain::switch::call::{Run, excerpt};
use crate::domain::switch::template::reveal;

/// Bytes that are kept of what it prints; the rest is read and forgotten.
const PRINTED: usize = 64 * 1024;
/// Variables that nearly every program needs.
const USUAL: [&str; 3] = ["PATH", "HOME", "LANG"];

/// Runs the program and waits for its end.
pub async fn run(run: &Run, secrets: &Secrets) -> Outcome {
    let argv: Result<Vec<String>, String> = run.argv.iter().map(|word| reveal(word, false, secrets)).collect();
    let argv = match argv {
        Ok(argv) => argv,
        Err(reason) => return Outcome::NotSent { reason },
    };
    let Some((program, arguments)) = argv.split_first() else {
        return Outcome::NotSent { reason: "there is no program to run".into() };
    };
    let kept = USUAL.into_iter().chain(run.env.iter().map(String::as_str));
    let environment = kept.filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)));
    let started = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // What it starts in turn ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return Outcome::NotSent { reason: format!("{program} cannot be started: {error}") },
    };
    let group = child.id();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let finished = async { tokio::join!(child.wait(), printed(out), printed(err)) };
    let patience = Duration::from_secs(run.timeout_s.max(1).into());
    match tokio::time::timeout(patience, finished).await {
        Ok((Ok(status), out, err)) => judge(run, status, &out, &err),
        Ok((Err(error), ..)) => Outcome::Unknown { reason: format!("{program} was lost: {error}") },
        Err(_) => {
            end_group(group);
            let reason = format!("{program} had not finished after {} s and was ended", patience.as_secs());
            Outcome::Unknown { reason }
        }
    }
}

fn judge(run: &Run, status: ExitStatus, out: &[u8], err: &[u8]) -> Outcome {
    if !status.success() {
        let said = if err.is_empty() { out } else { err };
        return Outcome::Refused { reason: format!("{status}: {}", excerpt(said.trim_ascii())) };
    }
    match run.expect.judge(out) {
        Ok(()) => Outcome::Accepted,
        Err(reason) => Outcome::Refused { reason },
    }
}

fn end_group(leader: Option<u32>) {
    let leader = leader.and_then(|id| rustix::process::Pid::from_raw(id as i32));
    if let Some(leader) = leader {
        // It may have ended by itself in this moment.
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
}

/// The beginning of what is printed; a program that prints more must not stand still for it.
async fn printed(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..n.min(PRINTED - kept.len())]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::switch::call::Expect;

    fn program(script: &str) -> Run {
        let argv = ["sh", "-c", script, "{device}", "{secret:token}"].map(str::to_owned).into();
        Run { argv, env: vec!["CARGO_MANIFEST_DIR".into()], expect: Expect::default(), timeout_s: 1 }
    }

    fn secrets(name: &str) -> Result<String, String> {
        if name == "token" { Ok("hunter2".into()) } else { Err(format!("there is no secret `{name}`")) }
    }

    #[tokio::test]
    async fn a_program_is_judged_by_its_end_and_by_what_it_prints() {
        let says = |text: &str| Outcome::Refused { reason: text.into() };
        let no_error = || Expect { absent: Some("/error".into()), ..Expect::default() };
        let cases = [
            (program("exit 0"), Outcome::Accepted),
            (program("echo gone >&2; exit 3"), says("exit status: 3: gone")),
            (program("printf '\\033[2Jx' >&2; exit 1"), says("exit status: 1: ^[[2Jx")),
            (program("test \"$1\" = hunter2 && test \"$0\" = '{device}'"), Outcome::Accepted),
            (program("test -z \"$CARGO_PKG_NAME\" && test -n \"$CARGO_MANIFEST_DIR\""), Outcome::Accepted),
            (program("yes | head -c 10000000"), Outcome::Accepted),
            (Run { expect: no_error(), ..program("echo '{}'") }, Outcome::Accepted),
            (Run { expect: no_error(), ..program("echo '{\"error\":\"no such job\"}'") }, says("no such job")),
        ];
        for (run, expected) in cases {
            assert_eq!(super::run(&run, &secrets).await, expected, "{:?}", run.argv);
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let left = directory.path().join("left");
        let script = format!("(sleep 2; touch {}) & wait", left.display());
        assert!(matches!(super::run(&program(&script), &secrets).await, Outcome::Unknown { .. }));
        assert!(matches!(
            super::run(&Run { argv: vec!["no-such-program-anywhere".into()], ..program("") }, &secrets).await,
            Outcome::NotSent { .. }
        ));
        // Its children are gone as well: nobody holds the pipe, and so nobody will write.
        assert!(!left.exists());
    }
}
