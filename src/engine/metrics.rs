//! The numbers that should get better: the four clocks over a quarter, beside the quarters before it.

use std::fmt;
use std::str::FromStr;

use chrono::Datelike;
use serde::{Serialize, Serializer};

use crate::domain::clock::{Clock, ClockState, Targets};
use crate::domain::ids::IncidentId;
use crate::domain::incident::{Incident, IncidentType, Severity};
use crate::domain::time::At;

/// Quarters that a trend goes back.
const BACK: usize = 4;

/// A quarter of a year, in UTC: `2026Q4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter {
    pub year: i32,
    /// 1 to 4.
    pub quarter: u8,
}

impl Quarter {
    pub fn of(at: At) -> Self {
        let date = at.utc();
        Self { year: date.year(), quarter: (date.month0() / 3) as u8 + 1 }
    }

    #[must_use]
    pub const fn before(self) -> Self {
        match self.quarter {
            1 => Self { year: self.year - 1, quarter: 4 },
            quarter => Self { quarter: quarter - 1, ..self },
        }
    }

    #[must_use]
    pub const fn after(self) -> Self {
        match self.quarter {
            4 => Self { year: self.year + 1, quarter: 1 },
            quarter => Self { quarter: quarter + 1, ..self },
        }
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}Q{}", self.year, self.quarter))
    }
}

impl FromStr for Quarter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a quarter; write 2026Q4");
        let (year, quarter) = text.split_once(['Q', 'q']).ok_or_else(wrong)?;
        let year = year.trim_end_matches('-').parse().ok().filter(|year| (1970..=9999).contains(year));
        let quarter = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter));
        Ok(Self { year: year.ok_or_else(wrong)?, quarter: quarter.ok_or_else(wrong)? })
    }
}

impl Serialize for Quarter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One clock over many incidents, in seconds; only clocks that have stopped are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    pub count: usize,
    pub median_s: i64,
    pub p90_s: i64,
    pub worst_s: i64,
    /// The incident it took that long in.
    pub worst: IncidentId,
    /// Within the target.
    pub in_time: usize,
}

/// The four clocks of some incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// `all`, a severity, or a type.
    pub name: String,
    pub incidents: usize,
    pub clocks: Vec<ClockSpread>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockSpread {
    pub clock: Clock,
    /// None where no clock has stopped.
    pub spread: Option<Spread>,
    /// Clocks that still run, or never began.
    pub open: usize,
}

/// A quarter, and those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub quarter: Quarter,
    /// All incidents, then those of each severity and of each type that there were.
    pub groups: Vec<Group>,
    /// All incidents of each quarter before it, the oldest first.
    pub before: Vec<(Quarter, Group)>,
}

impl Report {
    /// The report of a quarter. An incident belongs to the quarter of its onset, as corrected last; one that turned out
    /// to be a part of another is counted with that.
    pub fn of<'a>(
        incidents: impl Iterator<Item = &'a Incident> + Clone,
        quarter: Quarter,
        targets: &Targets,
        now: At,
    ) -> Self {
        let counted = incidents.filter(|incident| incident.response.merged_into.is_none());
        let of = |quarter: Quarter| -> Vec<&Incident> {
            counted.clone().filter(|incident| Quarter::of(began(incident)) == quarter).collect()
        };
        let these = of(quarter);
        let group = |name: &str, chosen: &[&Incident]| group(name, chosen, targets, now);
        let mut groups = vec![group("all", &these)];
        for severity in Severity::ALL {
            let chosen: Vec<_> = these.iter().filter(|incident| incident.severity == severity).copied().collect();
            groups.extend((!chosen.is_empty()).then(|| group(severity.name(), &chosen)));
        }
        for kind in IncidentType::ALL {
            let chosen: Vec<_> = these.iter().filter(|incident| incident.kind == kind).copied().collect();
            groups.extend((!chosen.is_empty()).then(|| group(kind.id(), &chosen)));
        }
        let mut before: Vec<_> = std::iter::successors(Some(quarter.before()), |quarter| Some(quarter.before()))
            .take(BACK)
            .map(|quarter| (quarter, group("all", &of(quarter))))
            .collect();
        before.reverse();
        Self { quarter, groups, before }
    }

    /// The median of a clock in the last quarter before this one that has any.
    pub fn median_before(&self, clock: Clock) -> Option<(Quarter, i64)> {
        let median = |(quarter, group): &(Quarter, Group)| Some((*quarter, group.spread(clock)?.median_s));
        self.before.iter().rev().find_map(median)
    }
}

impl Group {
    pub fn spread(&self, clock: Clock) -> Option<&Spread> {
        self.clocks.iter().find(|line| line.clock == clock)?.spread.as_ref()
    }
}

fn began(incident: &Incident) -> At {
    incident.moments.onset.unwrap_or(incident.declared)
}

fn group(name: &str, incidents: &[&Incident], targets: &Targets, now: At) -> Group {
    let clocks = Clock::ALL.map(|clock| {
        let readings = incidents.iter().map(|incident| (incident.id, clock.read(&incident.moments, targets, now)));
        let stopped: Vec<_> = readings.filter(|(_, reading)| reading.state == ClockState::Stopped).collect();
        let mut times: Vec<_> = stopped.iter().map(|(id, reading)| (reading.elapsed_s, *id)).collect();
        times.sort_unstable();
        let in_time = times.iter().filter(|(elapsed_s, _)| *elapsed_s <= targets.of(clock)).count();
        let spread = times.last().map(|(worst_s, worst)| Spread {
            count: times.len(),
            median_s: median(&times),
            p90_s: times[(times.len() * 9).div_ceil(10).max(1) - 1].0,
            worst_s: *worst_s,
            worst: *worst,
            in_time,
        });
        ClockSpread { clock, spread, open: incidents.len() - times.len() }
    });
    Group { name: name.to_owned(), incidents: incidents.len(), clocks: clocks.into() }
}

/// The middle one, or half way between the two in the middle.
fn median(times: &[(i64, IncidentId)]) -> i64 {
    let middle = times.len() / 2;
    if times.len() % 2 == 1 { times[middle].0 } else { (times[middle - 1].0 + times[middle].0) / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Moment;
    use crate::domain::event::{Event, Record};
    use crate::domain::ids::{Actor, Seq};
    use crate::domain::incident::Declaration;
    use crate::engine::room::Room;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    #[derive(Default)]
    struct Log {
        room: Room,
        n: u64,
    }

    impl Log {
        fn add(&mut self, at: At, event: Event) {
            self.n += 1;
            self.room.apply(&Record { seq: Seq(self.n), at, actor: Actor::Person("mira".into()), event });
        }

        /// An incident that was found after `detect` seconds and, where it is over, mitigated after `mitigate`.
        fn incident(&mut self, onset: At, severity: Severity, kind: IncidentType, detect: i64, mitigate: Option<i64>) {
            let incident = IncidentId(self.room.incidents.len() as u32 + 1);
            let declaration = Declaration {
                title: "x".into(),
                severity,
                kind,
                commander: "mira".into(),
                alert: None,
                cohort: Default::default(),
            };
            let detected = onset.plus_s(detect);
            let event =
                Event::IncidentDeclared { incident, declaration, onset: Some(onset), detected, acknowledged: None };
            self.add(detected, event);
            if let Some(mitigate) = mitigate {
                self.add(onset.plus_s(mitigate), Event::Mitigated { incident });
            }
        }
    }

    #[test]
    fn quarters_are_read_written_and_follow_each_other() {
        for (text, expected) in [
            ("2026Q4", Some("2026Q4")),
            ("2026-q1", Some("2026Q1")),
            ("2026Q5", None),
            ("26Q1", None),
            ("2026", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Quarter>().ok().map(|quarter| quarter.to_string()).as_deref(), expected, "{text}");
        }
        for (moment, quarter) in [
            ("2026-12-31T23:59:59.999Z", "2026Q4"),
            ("2027-01-01T00:00:00Z", "2027Q1"),
            ("2026-03-31T23:59:59Z", "2026Q1"),
            ("2026-04-01T00:00:00Z", "2026Q2"),
        ] {
            assert_eq!(Quarter::of(at(moment)).to_string(), quarter);
        }
        let quarter = Quarter { year: 2026, quarter: 1 };
        assert_eq!((quarter.before().to_string(), quarter.before().after()), ("2025Q4".into(), quarter));
    }

    #[test]
    fn a_quarter_is_counted_by_severity_and_type_beside_those_before_it() {
        use IncidentType::{BadFirmware, Security};
        use Severity::{Sev1, Sev2};
        let mut log = Log::default();
        log.incident(at("2026-08-10T10:00:00Z"), Sev1, BadFirmware, 600, Some(3600));
        for (day, severity, kind, detect, mitigate) in [
            (1, Sev1, BadFirmware, 10, Some(100)),
            (2, Sev1, BadFirmware, 20, Some(300)),
            (3, Sev2, BadFirmware, 30, Some(200)),
            (4, Sev2, Security, 400, None),
        ] {
            log.incident(at("2026-10-01T10:00:00Z").plus_s(day * 86_400), severity, kind, detect, mitigate);
        }
        let now = at("2026-11-20T10:00:00Z");
        let report = |log: &Log| {
            let quarter = "2026Q4".parse().unwrap();
            Report::of(log.room.incidents.values(), quarter, &Targets::default(), now)
        };
        let told = report(&log);
        let names: Vec<_> = told.groups.iter().map(|group| (group.name.as_str(), group.incidents)).collect();
        assert_eq!(names, [("all", 4), ("SEV1", 2), ("SEV2", 2), ("bad-firmware", 3), ("security", 1)]);
        let detect = *told.groups[0].spread(Clock::Detect).unwrap();
        assert_eq!((detect.count, detect.median_s, detect.p90_s, detect.worst_s), (4, 25, 400, 400));
        assert_eq!((detect.worst, detect.in_time), (IncidentId(5), 3));
        let mitigate = &told.groups[0].clocks[2];
        assert_eq!((mitigate.spread.unwrap().median_s, mitigate.open), (200, 1));
        assert_eq!(told.groups[4].spread(Clock::Mitigate), None);
        assert_eq!(told.median_before(Clock::Detect), Some(("2026Q3".parse().unwrap(), 600)));
        assert_eq!(told.before.len(), 4);
        // A corrected onset moves the clocks, and may move the incident into another quarter.
        let correct = |log: &mut Log, to: &str| {
            let event = Event::MomentCorrected {
                incident: IncidentId(2),
                moment: Moment::Onset,
                from: None,
                to: at(to),
                reason: "the wave began then".into(),
            };
            log.add(now, event);
        };
        correct(&mut log, "2026-10-02T09:59:00Z");
        assert_eq!(report(&log).groups[0].spread(Clock::Detect).unwrap().median_s, 50);
        correct(&mut log, "2026-09-30T23:00:00Z");
        let told = report(&log);
        assert_eq!((told.groups[0].incidents, told.before[3].1.incidents), (3, 2));
        // Nothing is nothing.
        let none = Report::of([].into_iter(), told.quarter, &Targets::default(), now);
        assert_eq!((none.groups.len(), none.groups[0].incidents, none.groups[0].spread(Clock::Detect)), (1, 0, None));
    }
}
