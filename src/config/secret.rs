//! Where a secret is found: in the environment, in a file, or in what a program prints. It is read when it is needed,
//! and never stored, shown or logged.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a password program may take. It may ask a person, on another screen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a secret that are read: MQTT carries no longer one.
const LONGEST: usize = 65_535;

/// The place of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
}

impl Secret {
    /// Why it could not be read. A program is not run for it: it may ask a person.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Command(_) => None,
            Self::Env(_) | Self::File(_) => self.read().err(),
        }
    }

    /// Reads the secret; a line break at its end does not belong to it.
    ///
    /// # Errors
    /// A sentence that names the place, never the secret.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let mut secret = match self {
            Self::Env(name) => std::env::var_os(name)
                .map(std::os::unix::ffi::OsStringExt::into_vec)
                .ok_or_else(|| format!("the environment has no {name}, where the password should be"))?,
            Self::File(path) => {
                let unreadable = |error| format!("the password file {} cannot be read: {error}", path.display());
                let meta = std::fs::metadata(path).map_err(unreadable)?;
                if meta.permissions().mode() & 0o077 != 0 {
                    return Err(format!("others can read the password file {}; run `chmod 600` on it", path.display()));
                }
                std::fs::read(path).map_err(unreadable)?
            }
            Self::Command(argv) => run(argv)?,
        };
        while matches!(secret.last(), Some(b'\n' | b'\r')) {
            secret.pop();
        }
        if secret.is_empty() { Err(format!("{self} is empty")) } else { Ok(secret) }
    }
}

fn run(argv: &[String]) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = argv.split_first() else { return Err("`password_command` is empty".into()) };
    let cannot = |error| format!("the password program {program} cannot be run: {error}");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it complains about must not reach the screen behind our back.
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let Some(mut stdout) = child.stdout.take() else { return Err(format!("the password program {program} is mute")) };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut secret = Vec::new();
        let read = stdout.by_ref().take(LONGEST as u64).read_to_end(&mut secret);
        // Nobody listens any more once the patience is at its end.
        let _ = tell.send(read.map(|_| secret));
    });
    let Ok(read) = told.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("the password program {program} has not answered for {} s", PATIENCE.as_secs()));
    };
    let secret = read.map_err(cannot)?;
    let status = child.wait().map_err(cannot)?;
    if status.success() { Ok(secret) } else { Err(format!("the password program {program} ended with {status}")) }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment's {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Command(argv) => write!(f, "the output of {}", argv.first().map_or("", String::as_str)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_private_file_or_a_program() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        std::fs::write(&path, "hunter2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Secret::File(path.clone()).read().unwrap_err().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Secret::File(path).read().unwrap(), b"hunter2");
        assert_eq!(Secret::Command(vec!["echo".into(), "x".into()]).read().unwrap(), b"x");
        assert!(Secret::Command(vec!["false".into()]).read().unwrap_err().contains("ended with"));
        assert!(Secret::Command(vec!["no-such-program-anywhere".into()]).read().is_err());
        assert!(Secret::Env("WARROOM_SURELY_NOT_SET".into()).read().is_err());
    }
}
