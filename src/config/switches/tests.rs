use crate::config::Config;
use crate::domain::switch::call::Qos;
use crate::domain::switch::plan::Template;

/// A switch of one step over MQTT, with more in it.
fn switch(of_step: &str, of_mqtt: &str) -> String {
    format!(
        "[[switch]]\nid = 'x'\nkind = 'throttle'\ntakes = 'devices'\nproof = 'answered'\neffect = 'e'\n\
         [[switch.step]]\n{of_step}\n[switch.step.mqtt]\ntopic = 't/{{device}}'\npayload = 'p'\n{of_mqtt}\n"
    )
}

#[test]
fn how_surely_a_message_arrives_is_configured() {
    let read = |more: &str| Config::read(&switch("", more), "test");
    for (more, expected) in [("", Qos::AtLeastOnce), ("qos = 1", Qos::AtLeastOnce), ("qos = 2", Qos::ExactlyOnce)] {
        let switch = read(more).unwrap().switches().swap_remove(0);
        let Template::Publish { qos, .. } = &switch.steps[0].template else { panic!("it publishes") };
        assert_eq!(*qos, expected, "{more}");
    }
    let answered = "qos = 0\nreply = 'r'\nreply_id = '/id'";
    assert!(read(answered).is_ok(), "somebody answers");
    for (more, expected) in [
        ("qos = 3", "MQTT has the QoS 0, 1 and 2, and not 3"),
        ("qos = -1", "and not -1"),
        ("qos = 0", "at QoS 0 nobody confirms the message"),
    ] {
        let error = read(more).unwrap_err().to_string();
        assert!(error.contains(expected) && error.starts_with("test:"), "{more}: {error}");
    }
}

#[test]
fn a_switch_for_devices_may_go_out_in_waves() {
    let read = |of_switch: &str| {
        let source = switch("", "").replace("effect = 'e'", &format!("effect = 'e'\n{of_switch}"));
        Config::read(&source, "test").map(|config| config.switches().swap_remove(0))
    };
    let waves = read("waves = [1, 10, 100]\nsoak_s = 60").unwrap().waves.unwrap();
    assert_eq!((waves.percent, waves.soak_s), (vec![1.0, 10.0, 100.0], 60));
    assert_eq!(read("waves = [0.5, 100]").unwrap().waves.unwrap().soak_s, 600, "ten minutes, where nothing is said");
    for (wrong, expected) in [
        ("waves = [10, 1, 100]", "rise to 100 percent"),
        ("waves = [1, 10]", "rise to 100 percent"),
        ("waves = [0, 100]", "rise to 100 percent"),
        ("waves = []", "rise to 100 percent"),
        ("waves = [100]\nsoak_s = 5", "soaks for 10 to 604800 seconds"),
        ("soak_s = 60", "`soak_s` is for switches with `waves"),
    ] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
    let once = switch("once = true", "").replace("effect", "waves = [100]\neffect");
    assert!(Config::read(&once, "test").unwrap_err().to_string().contains("one step that is taken for each device"));
    let campaign = switch("", "").replace("'devices'", "'campaign'").replace("effect", "waves = [100]\neffect");
    assert!(Config::read(&campaign, "test").unwrap_err().to_string().contains("a campaign's own controller decides"));
    // A rollback of devices says to which version, so that it can be looked at.
    let blind = switch("", "").replace("throttle", "rollback");
    assert!(Config::read(&blind, "test").unwrap_err().to_string().contains(r#"`parameters = ["version"]`"#));

    let preset = "[[switch]]\npreset = 'mqtt-rollback'\nwith = { topic = 'fleet/{site}/{device}/firmware/desired' }\n";
    let switch = Config::read(preset, "test").unwrap().switches().swap_remove(0);
    assert_eq!(switch.waves.unwrap().percent, [1.0, 10.0, 100.0]);
    let own = format!("{preset}waves = [5, 100]\nsoak_s = 30\n");
    let waves = Config::read(&own, "test").unwrap().switches().swap_remove(0).waves.unwrap();
    assert_eq!((waves.percent, waves.soak_s), (vec![5.0, 100.0], 30));
}

const PUSH: &str = r#"
[[switch]]
id = "config-push"
soak_s = 60
waves = [10, 100]
[[switch.choice]]
label = "slow down"
version = "c-42"
values = { interval_s = 60 }
[switch.schema]
interval_s = { type = "integer", min = 5, max = 3600 }
mode = { type = "string", one_of = ["eco", "full"] }
"#;

#[test]
fn a_standard_switch_takes_choices_rules_and_waves_without_being_written_anew() {
    let switches = Config::read(PUSH, "test").unwrap().switches();
    let pushes: Vec<_> = switches.iter().filter(|switch| switch.id.0 == "config-push").collect();
    let [push] = pushes[..] else { panic!("{} of them", pushes.len()) };
    assert_eq!(push.choices[0].label, "slow down");
    assert_eq!(push.choices[0].parameters["values"], r#"{"interval_s":60}"#);
    assert_eq!(push.waves.as_ref().unwrap().soak_s, 60);
    assert!(!push.steps.is_empty() && push.label == "config push");
    for (from, to, expected) in [
        ("interval_s = 60", "interval_s = 1", "test:7:9: `interval_s` is at least 5, and not 1"),
        (
            "version = \"c-42\"",
            "versoin = \"c-42\"",
            "`versoin` is no parameter of this switch; it has version, values",
        ),
        ("version = \"c-42\"", "", "the choice needs `version`"),
        ("\"integer\"", "\"int\"", "unknown value `int`"),
        ("soak_s = 60", "gate = \"typed\"", "can only be made stricter"),
        ("config-push", "config-pull", "needs `kind`"),
    ] {
        let error = Config::read(&PUSH.replace(from, to), "test").unwrap_err().to_string();
        assert!(error.contains(expected), "{from} → {to}: {error}");
    }
}
