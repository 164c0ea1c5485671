//! What a scenario may say, and what is said of one that says something else.

use super::*;

#[test]
fn every_shipped_scenario_can_be_read() {
    for (name, ..) in SHIPPED {
        let scenario = Scenario::find(name).unwrap().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(scenario.id, *name);
        assert!(!scenario.story.trim().is_empty());
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let (_, good, _) = SHIPPED[0];
    let cases = [
        (good.replace("telemetry_s", "telemetri_s"), "unknown key `telemetri_s`; did you mean `telemetry_s`?"),
        (good.replace("share = 0.20", "share = 20"), "a share lies between 0 and 1, and 20 does not"),
        (good.replace("boot-loop", "boot-lop"), "fault[0].effect: unknown value `boot-lop`"),
        (good.replace("hardware = {", "hardwear = {"), "no attribute `hardwear`"),
        (good.replace("where = { hardware =", "where = { colour ="), "the fleet has no attribute `colour`"),
        (
            good.replace("hardware = \"rev-B\"", "hardware = \"rev-Z\""),
            "no device has hardware `rev-Z`; there are rev-A",
        ),
        (good.replace("up_s = [8, 20]", "up_s = [8, 'x']"), "fault[0].up_s: this is "),
        (good.replace("up_s = [8, 20]", "most_c = -3"), "boot-loop: most_c is degrees above 0"),
        (good.replace("[response]", "[response.revoke]\nescaped = 2\n[response]"), "response.revoke: refused, mute"),
        (format!("{good}\n[[inject]]\nat_s = 5\nfrom = \"x\"\n"), ": missing field `text`"),
        (
            format!("{good}\n[[expect]]\nonset_s = 5\nswitch = \"big-red\"\n"),
            "unknown value `big-red`; expected one of ota-halt",
        ),
        (format!("begins = \"friday\"\n{good}"), "`friday` is no time; write 2026-11-20T16:40:00Z"),
        (good.replace("devices = 10_000", "devices = 500_000"), "`devices` lies between 1 and 100000"),
    ];
    for (source, expected) in cases {
        assert_ne!(source, good, "{expected}");
        let mistakes = Scenario::read(&source, "x.toml").unwrap_err();
        assert!(mistakes.0.iter().any(|m| m.message.contains(expected) && m.line >= 1), "{expected}\n{mistakes}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let (_, good, _) = SHIPPED[0];
    let bad = good
        .replace("share = 0.20", "share = 20")
        .replace("boot-loop", "boot-lop")
        .replace("telemetry_s = 10", "telemetry_s = \"ten\"\ncolour = 1")
        .replace("up_s = [8, 20]", "up_s = 8");
    let mistakes = Scenario::read(&bad, "x.toml").unwrap_err();
    let told: Vec<_> = mistakes.0.iter().map(|mistake| mistake.message.as_str()).collect();
    let expected = [
        "fleet.telemetry_s: this is ",
        "unknown key `colour`",
        "share lies between",
        "fault[0].effect",
        "fault[0].up_s",
    ];
    for part in expected {
        assert!(told.iter().any(|told| told.contains(part)), "{part}\n{mistakes}");
    }
    assert!(mistakes.0.windows(2).all(|pair| pair[0].line <= pair[1].line), "{mistakes}");
    // What is no TOML at all is told as such.
    assert!(Scenario::read("id = \n[fleet", "x.toml").unwrap_err().0.iter().any(|mistake| mistake.line == 1));
}
