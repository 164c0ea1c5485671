//! `warroom config show`: everything that would be wrong when the room is opened is told before.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn what_the_room_would_complain_about_or_miss_is_told() {
    // (what is in the file, exit code, what is said)
    let cases = [
        ("", 0, "theme          dark"),
        ("[[fleet.kpi]]\npath = 'a'\n[screen]\ntheme = 'drak'\n", 2, "drak"),
        ("[screen.keys]\nhelpp = ['x']\n", 2, "unknown action `helpp` under [screen.keys]; did you mean `help`?"),
        ("[screen.keys]\nhelp = ['q']\n", 2, "the key `q` is for both"),
        ("[fleet]\nattributes = ['rack']\n[screen]\ngroup_by = ['rack']\n", 0, "group by       rack"),
        ("[screen]\ngroup_by = ['rack']\n", 2, "file.toml:2:12: no attribute `rack`; there are firmware,"),
        ("[fleet]\nnames_per_site = true\n", 0, "theme"),
        (
            "[fleet]\nnames_per_site = true\n[[fleet.route]]\ntopic = 'a/{device}'\nmessage = 'status'\n",
            2,
            "file.toml:2:18: `names_per_site` needs a route whose topic has a level {site}",
        ),
        (
            "[fleet]\nnames_per_site = true\n[[fleet.route]]\npreset = 'standard'\n\
             [[fleet.route]]\ntopic = 'a/{device}'\nmessage = 'status'\n",
            2,
            "file.toml:2:18: `names_per_site`: the topic a/+ says no {site}",
        ),
        ("[runbooks]\ndirectory = '/not/there'\n", 1, "problem        the runbooks in /not/there cannot be read"),
        ("[broker]\npassword_file = '/not/there'\n", 1, "problem        the password file /not/there cannot be read"),
        ("[broker]\npassword_command = ['/not/there']\n", 0, "/not/there"),
        ("[secrets.emqx]\nenv = 'NOT_THERE'\n", 1, "problem        [secrets.emqx]: the environment has no NOT_THERE"),
        ("[secrets.emqx]\n", 1, "problem        [secrets.emqx] says neither env, file nor command"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file.toml");
    for (source, code, expected) in cases {
        std::fs::write(&file, source).unwrap();
        let mut warroom = Command::new(env!("CARGO_BIN_EXE_warroom"));
        let output = warroom.arg("--config").arg(&file).args(["config", "show"]).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.code() == Some(code) && text.contains(expected), "{source}: {:?}\n{text}", output.status);
    }
}
