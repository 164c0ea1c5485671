//! Two people on one machine: the room in a terminal, and a second user with a login of their own.

#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::terminal::Terminal;

/// A user that every machine has, and that is nobody here.
const NOBODY: u32 = 65534;

/// A drill with a socket that others may reach, on a program that others may run.
struct Place {
    directory: tempfile::TempDir,
    program: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let program = directory.path().join("warroom");
        std::fs::copy(env!("CARGO_BIN_EXE_warroom"), &program).unwrap();
        let config = format!(
            "operator = \"mira\"\n[switches]\nsocket = \"{}\"\nsocket_mode = \"0666\"\n",
            directory.path().join("room.sock").display()
        );
        std::fs::write(directory.path().join("warroom.toml"), config).unwrap();
        Self { directory, program }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn drill(&self) -> Terminal {
        let (config, data) = (self.path("warroom.toml"), self.path("data"));
        let arguments = ["drill", "--devices", "300", "--config", &config, "--data-dir", &data];
        Terminal::start(Path::new(&self.program), &arguments, &[], (120, 40))
    }

    /// Approves as a user, and returns what is said.
    fn approve(&self, uid: Option<u32>, approval: &str) -> (bool, String) {
        let mut command = Command::new(&self.program);
        command.args([
            "approve",
            approval,
            "--reason",
            "the cohort is right",
            "--socket",
            &self.path("room.drill.sock"),
        ]);
        command.current_dir("/");
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

/// Aims a push at three devices, whatever a rollout makes of the cohorts meanwhile, and asks for the second person. Returns
/// the request's number.
fn ask(terminal: &mut Terminal) -> String {
    terminal.shows("300/300 on");
    terminal.press("!l");
    terminal.shows("Nothing unmarks all");
    terminal.press("th-00001 th-00002,th-00003");
    terminal.press("\r");
    terminal.shows("3 devices marked");
    terminal.press("!2");
    terminal.shows("looks at what it would do");
    terminal.press("c-42");
    terminal.press("\t");
    terminal.press("{}");
    terminal.press("\r");
    terminal.shows("type the number of devices");
    terminal.shows("Esc leaves it");
    let screen = terminal.text();
    let count = screen.split("targets").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    terminal.until("a second to look", |screen| screen.contains("· 18 s left") || screen.contains("· 17 s left"));
    terminal.press(&count);
    terminal.press("!");
    terminal.shows("it takes a second person");
    // Its last words: all of it is on the screen.
    terminal.shows("breaks the glass");
    let screen = terminal.text();
    screen.split("approval ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_second_user_approves_and_the_first_one_cannot() {
    if !rustix::process::getuid().is_root() {
        println!("NOT RUN: only root can become a second user");
        return;
    }
    let place = Place::new();
    let mut terminal = place.drill();
    let approval = ask(&mut terminal);
    let (done, said) = place.approve(None, &approval);
    assert!(!done && said.contains("you asked for"), "{said}");
    // Without a number it tells what waits, and how much that is.
    let listed = Command::new(&place.program).args(["approve", "--socket", &place.path("room.drill.sock")]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let wanted = [format!("approval {approval} "), "targets: 3 devices: ".into(), "tested: never".into()];
    assert!(wanted.iter().all(|wanted| listed.contains(wanted)), "{listed}");
    let (done, said) = place.approve(Some(NOBODY), "4711");
    assert!(!done && said.contains("nothing waits for approval 4711"), "{said}");
    let (done, said) = place.approve(Some(NOBODY), &approval);
    assert!(done && said.contains("config push · ") && said.contains("recorded "), "{said}");
    terminal.until("the request to go", |screen| !screen.contains("it takes a second person"));
    terminal.press("6");
    terminal.shows("mira, approved by nobody");
    terminal.shows("✓ EFFECTIVE");
    let (done, said) = place.approve(Some(NOBODY), &approval);
    assert!(!done && said.contains("nothing waits"), "{said}");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    assert!(!Path::new(&place.path("room.drill.sock")).exists(), "the socket goes with the room");
    let (done, said) = place.approve(Some(NOBODY), &approval);
    assert!(!done && said.contains("no room is open here"), "{said}");
}

#[test]
fn what_a_script_writes_while_a_room_is_open_goes_through_the_room() {
    let place = Place::new();
    let mut terminal = place.drill();
    terminal.shows("300/300 on");
    let note = |text: &str| {
        let (config, data) = (place.path("warroom.toml"), place.path("data"));
        let arguments = ["note", text, "--drill", "--config", &config, "--data-dir", &data];
        let output = Command::new(&place.program).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (done, said) = note("the vendor was called");
    assert!(done && said.starts_with("recorded "), "{said}");
    terminal.shows("the vendor was called");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    let (done, said) = note("and after it has closed, through the log");
    assert!(done && said.starts_with("recorded "), "{said}");
}

#[test]
fn one_person_alone_breaks_the_glass_and_it_stays_marked() {
    let place = Place::new();
    let mut terminal = place.drill();
    ask(&mut terminal);
    terminal.press("b");
    terminal.shows("BREAK GLASS");
    terminal.press("too few");
    terminal.press("\r");
    terminal.shows("in 10 letters or more");
    terminal.press("!a");
    terminal.press("b");
    terminal.press("jo is on a plane and nobody else has a login");
    terminal.press("\r");
    terminal.press("6");
    terminal.shows("BREAK-GLASS: jo is on a plane");
    terminal.shows("✓ EFFECTIVE");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}
