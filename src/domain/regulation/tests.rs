use super::*;
use crate::domain::ids::IncidentId;

fn at(text: &str) -> At {
    text.parse().unwrap()
}

fn federal() -> Calendar {
    let holidays = ["2026-11-26", "2026-12-25", "2027-01-01"].map(|day| day.parse().unwrap()).into();
    Calendar { id: "us-federal".into(), weekend: vec![5, 6], holidays, covers: (2026, 2027) }
}

fn within(amount: u32, unit: Unit, counting: Counting, utc_offset_h: i8) -> Within {
    let calendar = (unit == Unit::BusinessDay).then(federal);
    Within { amount, unit, counting, utc_offset_h, calendar }
}

#[test]
fn deadlines_are_counted_as_laws_count_them() {
    use Counting::{AfterTheDay, FromTheMoment};
    use Unit::{BusinessDay, CalendarDay, Hour, Month};
    // (what, started, amount, unit, counting, utc offset, due)
    let cases = [
        ("72 h", "2026-11-20T17:30:00Z", 72, Hour, FromTheMoment, 0, "2026-11-23T17:30:00Z"),
        (
            "72 h over the end of summer time",
            "2026-10-24T10:00:00Z",
            72,
            Hour,
            FromTheMoment,
            1,
            "2026-10-27T10:00:00Z",
        ),
        ("72 h over its beginning", "2026-03-28T10:00:00Z", 72, Hour, FromTheMoment, 1, "2026-03-31T10:00:00Z"),
        ("24 h over the end of a year", "2026-12-31T20:00:00Z", 24, Hour, FromTheMoment, 0, "2027-01-01T20:00:00Z"),
        ("a month", "2026-11-20T17:30:00Z", 1, Month, FromTheMoment, 0, "2026-12-20T17:30:00Z"),
        ("a month from January 31st", "2026-01-31T10:00:00Z", 1, Month, FromTheMoment, 0, "2026-02-28T10:00:00Z"),
        ("in a leap year", "2028-01-31T10:00:00Z", 1, Month, FromTheMoment, 0, "2028-02-29T10:00:00Z"),
        ("from the last of a short month", "2026-02-28T10:00:00Z", 1, Month, FromTheMoment, 0, "2026-03-28T10:00:00Z"),
        ("over new year", "2026-12-31T10:00:00Z", 1, Month, FromTheMoment, 0, "2027-01-31T10:00:00Z"),
        ("by the day in its own zone", "2026-01-30T23:30:00Z", 1, Month, FromTheMoment, 1, "2026-02-27T23:30:00Z"),
        ("30 days after the day", "2026-11-20T17:30:00Z", 30, CalendarDay, AfterTheDay, 0, "2026-12-20T23:59:59.999Z"),
        ("in Washington", "2026-11-20T02:00:00Z", 30, CalendarDay, AfterTheDay, -4, "2026-12-20T03:59:59.999Z"),
        ("14 days to the minute", "2026-11-20T17:30:00Z", 14, CalendarDay, FromTheMoment, 0, "2026-12-04T17:30:00Z"),
        (
            "4 business days over a weekend",
            "2026-11-12T15:00:00Z",
            4,
            BusinessDay,
            AfterTheDay,
            -4,
            "2026-11-19T03:59:59.999Z",
        ),
        ("over Thanksgiving", "2026-11-20T15:00:00Z", 4, BusinessDay, AfterTheDay, -4, "2026-11-28T03:59:59.999Z"),
        ("begun on a Saturday", "2026-11-14T15:00:00Z", 4, BusinessDay, AfterTheDay, -4, "2026-11-20T03:59:59.999Z"),
        (
            "5 work days over Christmas",
            "2026-12-23T15:00:00Z",
            5,
            BusinessDay,
            AfterTheDay,
            -4,
            "2027-01-01T03:59:59.999Z",
        ),
        ("nothing to count", "2026-11-20T15:00:00Z", 0, BusinessDay, AfterTheDay, -4, "2026-11-21T03:59:59.999Z"),
    ];
    for (what, started, amount, unit, counting, offset, due) in cases {
        let found = within(amount, unit, counting, offset).deadline(at(started));
        assert_eq!(found, Deadline { at: at(due), doubt: None }, "{what}: {}", found.at);
    }
}

use super::term::Deadline;

#[test]
fn a_calendar_that_does_not_know_the_year_says_so() {
    let late = within(4, Unit::BusinessDay, Counting::AfterTheDay, -4).deadline(at("2027-12-29T15:00:00Z"));
    assert_eq!(late.at, at("2028-01-05T03:59:59.999Z"));
    assert!(late.doubt.unwrap().contains("us-federal has no holidays of 2028"));
    // A calendar in which nobody ever works ends all the same.
    let never = Calendar { weekend: (0..7).collect(), ..federal() };
    let within = Within { calendar: Some(never), ..within(3, Unit::BusinessDay, Counting::AfterTheDay, 0) };
    within.deadline(at("2026-11-20T15:00:00Z"));
}

fn regime() -> Regime {
    let term = |id: &str, from: &str, within| Term {
        id: id.into(),
        what: format!("the {id}"),
        to: "the authority".into(),
        from: from.parse().unwrap(),
        within: Some(within),
    };
    let criterion = |id: &str| Criterion { id: id.into(), question: format!("{id}?") };
    Regime {
        id: "nis2".into(),
        name: "NIS2".into(),
        source: "a law".into(),
        version: "2026-11-01".into(),
        verified: "text".into(),
        on: true,
        criteria: vec![criterion("entity"), criterion("significant")],
        triggers: "aware".into(),
        terms: vec![
            term("warning", "aware", within(24, Unit::Hour, Counting::FromTheMoment, 0)),
            term("notification", "aware", within(72, Unit::Hour, Counting::FromTheMoment, 0)),
            term("final", "filed notification", within(1, Unit::Month, Counting::FromTheMoment, 0)),
        ],
    }
}

#[test]
fn clocks_wait_run_warn_are_missed_and_met() {
    let incident = IncidentId(1);
    let mira = Actor::Person("mira".into());
    let mut regulation = Regulation::default();
    let answered = |criterion: &str, yes| RegulationEvent::CriterionAnswered {
        incident,
        regime: "nis2".into(),
        criterion: criterion.into(),
        question: String::new(),
        from: None,
        yes,
        reason: "so".into(),
    };
    let words = |regulation: &Regulation, now: &str| {
        let readings = regulation.matters["nis2"].readings(at(now));
        readings.iter().map(|reading| reading.state.word()).collect::<Vec<_>>()
    };
    let apply = |regulation: &mut Regulation, event| regulation.apply(at("2026-11-20T10:00:00Z"), &mira, &event);
    apply(&mut regulation, RegulationEvent::RegimeTaken { incident, regime: regime() });
    assert_eq!(regulation.matters["nis2"].standing(), Standing::Undecided);
    apply(&mut regulation, answered("entity", true));
    apply(&mut regulation, answered("significant", false));
    assert_eq!(regulation.matters["nis2"].standing(), Standing::DoesNotApply);
    assert_eq!(words(&regulation, "2026-11-20T10:00:00Z"), [""; 0]);
    apply(&mut regulation, answered("significant", true));
    assert_eq!(words(&regulation, "2026-11-20T10:00:00Z"), ["waits", "waits", "waits"]);
    let aware = |from: Option<&str>, to: &str| RegulationEvent::RegulatoryMomentSet {
        incident,
        regime: "nis2".into(),
        moment: "aware".into(),
        from: from.map(at),
        to: at(to),
        evidence: "a ticket".into(),
    };
    apply(&mut regulation, aware(None, "2026-11-20T10:00:00Z"));
    assert_eq!(words(&regulation, "2026-11-20T11:00:00Z"), ["running", "running", "waits"]);
    assert_eq!(words(&regulation, "2026-11-21T04:00:00Z"), ["due soon", "running", "waits"]);
    assert_eq!(words(&regulation, "2026-11-21T10:00:00Z"), ["due soon", "running", "waits"]);
    assert_eq!(words(&regulation, "2026-11-21T10:00:00.001Z"), ["MISSED", "running", "waits"]);
    // A correction moves the deadlines.
    apply(&mut regulation, aware(Some("2026-11-20T10:00:00Z"), "2026-11-20T12:00:00Z"));
    assert_eq!(words(&regulation, "2026-11-21T10:00:00.001Z"), ["due soon", "running", "waits"]);
    let filed = |term: &str, filed: &str| RegulationEvent::NoticeFiled {
        incident,
        regime: "nis2".into(),
        term: term.into(),
        what: String::new(),
        from: None,
        filed: at(filed),
        reference: "R-1".into(),
    };
    apply(&mut regulation, filed("warning", "2026-11-21T11:00:00Z"));
    apply(&mut regulation, filed("notification", "2026-11-23T13:00:00Z"));
    assert_eq!(words(&regulation, "2026-11-24T10:00:00Z"), ["filed in time", "filed late", "running"]);
    let due: Vec<_> = regulation.readings(at("2026-11-24T10:00:00Z")).iter().map(|r| (r.term.clone(), r.due)).collect();
    assert_eq!(due[0], ("final".into(), Some(at("2026-12-23T13:00:00Z"))), "what is still to be done goes first");
}
