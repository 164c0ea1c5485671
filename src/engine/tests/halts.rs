//! Halts that wait.

use super::*;
use crate::domain::event::switch::SwitchEvent;

#[test]
fn a_device_that_is_alive_and_stuck_in_its_update_is_named() {
    let mut bench = Bench::armed();
    bench.ota("slow", 1, OtaState::Downloading);
    bench.fire().unwrap();
    let id = bench.actuation();
    bench.controller_says(CampaignState::Halted, &id.0);
    let waits_for = |bench: &Bench| Snapshot::of(&bench.state, bench.now).actuations[&id].waits_for.clone();
    bench.wait(50);
    assert_eq!(waits_for(&bench), (vec![], 0), "an update may take its time");
    let told = |bench: &Bench| {
        let of = |record: &Record| match &record.event {
            Event::Switch(SwitchEvent::ActuationWaits { devices, count, .. }) => Some((devices.clone(), *count)),
            _ => None,
        };
        bench.records.iter().filter_map(of).collect::<Vec<_>>()
    };
    // It says every minute that it is still there; the other one finishes.
    bench.ota("slow", 1, OtaState::Succeeded);
    for _ in 0..6 {
        bench.wait(60);
        bench.ota("a", 1, OtaState::Installing);
    }
    assert_eq!(bench.actuation_state(), ActuationState::Accepted);
    assert_eq!(waits_for(&bench), (vec!["a".to_owned()], 1));
    assert_eq!(told(&bench), [(vec!["a".to_owned()], 1)], "on the record once");
    bench.ota("a", 1, OtaState::Succeeded);
    bench.wait(5);
    assert_eq!(bench.actuation_state(), ActuationState::Effective);
    assert_eq!(bench.state.room.actuations[&id].waited_for, (vec!["a".to_owned()], 1), "the evidence stays");
}
