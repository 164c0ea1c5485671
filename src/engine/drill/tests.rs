//! A game day that is left early: what had its time is scored, and what had not is no gap.

#![allow(clippy::unwrap_used)]

use super::{GameDay, end, gaps, score};
use crate::domain::drill::{DrillPlan, Expectation};
use crate::domain::event::Event;
use crate::domain::event::drill::DrillEvent;
use crate::domain::incident::IncidentType;
use crate::domain::time::At;
use crate::engine::room::Room;

/// Nobody does anything.
fn untouched() -> Room {
    let expected = Expectation {
        onset_s: 100,
        kind: Some(IncidentType::BadFirmware),
        detect_s: Some(60),
        acknowledge_s: Some(60),
        contain_s: Some(400),
        mitigate_s: Some(2000),
        switch: Some("ota-halt".into()),
        ..Expectation::default()
    };
    let plan = DrillPlan { scenario: "story".into(), length_s: 1200, expect: vec![expected], ..DrillPlan::default() };
    Room { drill: Some(GameDay::new(plan, At::from_ms(0))), ..Room::default() }
}

#[test]
fn what_was_not_due_when_the_day_was_ended_is_neither_missed_nor_a_gap() {
    // (the second it is ended, how it went, what is pending, what the gaps are, whether everything had its time)
    let cases = [
        (50, "1 of 1 met · 5 not due yet", "detect acknowledge contain mitigate type", "", false),
        (160, "1 of 2 met · 4 not due yet", "acknowledge contain mitigate type", "detect", false),
        (220, "1 of 4 met · 2 not due yet", "contain mitigate", "acknowledge detect type", false),
        (500, "1 of 5 met · 1 not due yet", "mitigate", "acknowledge contain detect switch-untested type", false),
        // The story is over, and yet there is time left for what may take longer.
        (1200, "1 of 5 met · 1 not due yet", "mitigate", "acknowledge contain detect switch-untested type", true),
        (2100, "1 of 6 met", "", "acknowledge contain detect mitigate switch-untested type", true),
    ];
    for (second, sentence, pending, missed, is_complete) in cases {
        let (room, at) = (untouched(), At::from_ms(1000 * second));
        let day = room.drill.as_ref().unwrap();
        let card = score::score(&room, day, at);
        let open = card.planted[0].measures.iter().filter(|measure| measure.pending);
        let open: Vec<&str> = open.map(|measure| measure.what.as_str()).collect();
        assert_eq!((card.sentence().as_str(), open.join(" ").as_str()), (sentence, pending), "after {second} s");
        let found = gaps::find(&room, day, &card, at);
        let found: Vec<&str> = found.iter().map(|gap| gap.key.split('/').nth(1).unwrap()).collect();
        assert_eq!(found.join(" "), missed, "after {second} s");
        let Some(Event::Drill(DrillEvent::DrillEnded { complete, .. })) = end(&room, at, "enough") else { panic!() };
        assert_eq!(complete, is_complete, "after {second} s");
    }
}
