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
