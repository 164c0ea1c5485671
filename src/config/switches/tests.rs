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
