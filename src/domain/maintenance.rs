//! Planned work: whose devices nobody misses, and when.

use super::cohort::CohortKey;
use super::time::At;

const DAY_S: i64 = 86_400;

/// Hours in which devices are in maintenance, week by week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    pub cohort: CohortKey,
    /// The days on which it begins; Monday is 0.
    pub weekdays: Vec<u8>,
    /// Seconds of the day, where clocks are `utc_offset_s` ahead of UTC. Where it ends no later than it begins, it ends on
    /// the next day.
    pub from_s: i64,
    pub to_s: i64,
    pub utc_offset_s: i64,
}

impl Maintenance {
    pub fn is_on(&self, at: At) -> bool {
        let local = at.plus_s(self.utc_offset_s);
        let second = local.second().rem_euclid(DAY_S);
        let begins_on = |days_ago: i64| self.weekdays.contains(&local.plus_s(-days_ago * DAY_S).weekday());
        if self.from_s < self.to_s {
            return begins_on(0) && (self.from_s..self.to_s).contains(&second);
        }
        (second >= self.from_s && begins_on(0)) || (second < self.to_s && begins_on(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_on_in_its_hours_on_its_days_over_midnight_too() {
        // Monday and Tuesday.
        let work = |from_h: i64, to_h: i64, utc_offset_s| Maintenance {
            cohort: CohortKey::default(),
            weekdays: vec![0, 1],
            from_s: from_h * 3_600,
            to_s: to_h * 3_600,
            utc_offset_s,
        };
        let on = |work: &Maintenance, at: &str| work.is_on(format!("2026-11-{at}:00Z").parse().unwrap());
        let night = work(2, 4, 0);
        // The 16th is a Monday.
        for (at, expected) in [
            ("16T01:59", false),
            ("16T02:00", true),
            ("16T03:59", true),
            ("16T04:00", false),
            ("17T03:00", true),
            ("18T03:00", false),
            ("15T03:00", false),
        ] {
            assert_eq!(on(&night, at), expected, "{at}");
        }
        let midnight = work(23, 1, 0);
        for (at, expected) in
            [("16T00:30", false), ("16T23:30", true), ("17T00:30", true), ("18T00:30", true), ("18T23:30", false)]
        {
            assert_eq!(on(&midnight, at), expected, "{at}");
        }
        // Two in the morning in Warsaw is one in Greenwich.
        let warsaw = work(2, 4, 3_600);
        assert!(on(&warsaw, "16T01:00") && !on(&warsaw, "16T03:00"));
        assert!(on(&work(0, 2, 3_600), "15T23:30"), "it is Monday in Warsaw");
        let kathmandu = work(2, 4, 20_700);
        assert!(on(&kathmandu, "15T20:15") && !on(&kathmandu, "15T20:14"), "two in the morning of Monday");
        assert!(on(&work(0, 0, 0), "16T12:00"), "all day");
    }
}
