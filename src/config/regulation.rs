//! Regulatory deadlines from files: the shipped one, and a team's own before it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::document::{self, Mistake, nearest};
use crate::domain::day::{self, Day};
use crate::domain::regulation::{Calendar, Counting, Criterion, Regime, Start, Term, Unit, Within};

/// The shipped file.
const SHIPPED: (&str, &str) = ("regulation/usual.toml", include_str!("../../regulation/usual.toml"));

/// Which regimes a team looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegulationSection {
    /// Regimes of your own, and better ones of the same id.
    pub file: Option<PathBuf>,
    /// Switched on, or off, whatever the files say.
    pub on: Vec<String>,
    pub off: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "calendar")]
    calendars: Vec<CalendarEntry>,
    #[serde(default, rename = "regime")]
    regimes: Vec<RegimeEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarEntry {
    id: String,
    weekend: Vec<Spanned<String>>,
    covers: (i32, i32),
    holidays: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimeEntry {
    id: Spanned<String>,
    name: String,
    source: String,
    version: Spanned<String>,
    verified: Spanned<String>,
    on: bool,
    triggers: Spanned<String>,
    #[serde(default, rename = "criterion")]
    criteria: Vec<CriterionEntry>,
    #[serde(default, rename = "clock")]
    clocks: Vec<ClockEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CriterionEntry {
    id: Spanned<String>,
    ask: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockEntry {
    id: Spanned<String>,
    what: String,
    to: String,
    from: Spanned<String>,
    within: Option<Spanned<u32>>,
    unit: Option<Unit>,
    count: Option<Counting>,
    calendar: Option<Spanned<String>>,
    #[serde(default)]
    utc_offset_h: i8,
}

/// Longer than this is a typing mistake: ten years of days.
const LONGEST: u32 = 3_660;

/// A mistake, by its place in the file.
type Wrong = (std::ops::Range<usize>, String);

fn wrong<T>(at: &Spanned<T>, message: impl Into<String>) -> Wrong {
    (at.span(), message.into())
}

/// Reads a file of regimes.
///
/// # Errors
/// The first mistake in it, with its line and column.
pub fn read(source: &str, file: &str) -> Result<Vec<Regime>, Mistake> {
    let entries: File = document::read(source, file)?;
    let regimes = regimes(&entries);
    regimes.map_err(|(span, message)| document::mistake(source, file, &span, message))
}

fn regimes(file: &File) -> Result<Vec<Regime>, Wrong> {
    let calendars = file.calendars.iter().map(calendar).collect::<Result<Vec<_>, _>>()?;
    let mut regimes: Vec<Regime> = Vec::new();
    for entry in &file.regimes {
        if regimes.iter().any(|known| known.id == *entry.id.get_ref()) {
            return Err(wrong(&entry.id, format!("there is a regime `{}` above already", entry.id.get_ref())));
        }
        regimes.push(regime(entry, &calendars)?);
    }
    Ok(regimes)
}

fn calendar(entry: &CalendarEntry) -> Result<Calendar, Wrong> {
    let weekday = |day: &Spanned<String>| day::weekday(day.get_ref()).map_err(|message| wrong(day, message));
    let holiday = |day: &Spanned<String>| day.get_ref().parse::<Day>().map_err(|message| wrong(day, message));
    Ok(Calendar {
        id: entry.id.clone(),
        weekend: entry.weekend.iter().map(weekday).collect::<Result<_, _>>()?,
        holidays: entry.holidays.iter().map(holiday).collect::<Result<_, _>>()?,
        covers: entry.covers,
    })
}

fn regime(entry: &RegimeEntry, calendars: &[Calendar]) -> Result<Regime, Wrong> {
    if entry.criteria.is_empty() {
        return Err(wrong(&entry.id, "a regime needs a [[regime.criterion]]: what decides whether it applies"));
    }
    if entry.clocks.is_empty() {
        return Err(wrong(&entry.id, "a regime needs a [[regime.clock]]: what is due, and when"));
    }
    entry.version.get_ref().parse::<Day>().map_err(|message| wrong(&entry.version, message))?;
    if !["text", "secondary", "no"].contains(&entry.verified.get_ref().as_str()) {
        let message = format!("unknown value `{}`; expected one of text, secondary, no", entry.verified.get_ref());
        return Err(wrong(&entry.verified, message));
    }
    let mut terms: Vec<Term> = Vec::new();
    for clock in &entry.clocks {
        if terms.iter().any(|term| term.id == *clock.id.get_ref()) {
            return Err(wrong(&clock.id, format!("there is a clock `{}` above already", clock.id.get_ref())));
        }
        let from: Start = clock.from.get_ref().parse().map_err(|message: String| wrong(&clock.from, message))?;
        if let Start::Filed(other) = &from
            && !terms.iter().any(|term| term.id == *other)
        {
            let above: Vec<_> = terms.iter().map(|term| term.id.as_str()).collect();
            let above =
                if above.is_empty() { "there is none".into() } else { format!("there are {}", above.join(", ")) };
            return Err(wrong(&clock.from, format!("`{other}` is no clock above this one; {above}")));
        }
        let within = within(clock, calendars)?;
        terms.push(Term {
            id: clock.id.get_ref().clone(),
            what: clock.what.clone(),
            to: clock.to.clone(),
            from,
            within,
        });
    }
    let counted = |term: &Term| term.from == Start::Moment(entry.triggers.get_ref().clone());
    if !terms.iter().any(counted) {
        let message = format!("no clock counts `from = \"{}\"`, so this would start none", entry.triggers.get_ref());
        return Err(wrong(&entry.triggers, message));
    }
    let mut criteria: Vec<Criterion> = Vec::new();
    for criterion in &entry.criteria {
        if criteria.iter().any(|known| known.id == *criterion.id.get_ref()) {
            let message = format!("there is a criterion `{}` above already", criterion.id.get_ref());
            return Err(wrong(&criterion.id, message));
        }
        criteria.push(Criterion { id: criterion.id.get_ref().clone(), question: criterion.ask.clone() });
    }
    Ok(Regime {
        id: entry.id.get_ref().clone(),
        name: entry.name.clone(),
        source: entry.source.clone(),
        version: entry.version.get_ref().clone(),
        verified: entry.verified.get_ref().clone(),
        on: entry.on,
        criteria,
        triggers: entry.triggers.get_ref().clone(),
        terms,
    })
}

fn within(clock: &ClockEntry, calendars: &[Calendar]) -> Result<Option<Within>, Wrong> {
    let Some(amount) = &clock.within else {
        return match clock.unit {
            Some(_) => Err(wrong(&clock.id, "a unit needs a number: `within = 72`")),
            None => Ok(None),
        };
    };
    let Some(unit) = clock.unit else {
        return Err(wrong(amount, "a number needs a `unit`: h, calendar-day, business-day or month"));
    };
    if !(1..=LONGEST).contains(amount.get_ref()) {
        return Err(wrong(amount, format!("expected 1 to {LONGEST}")));
    }
    let counting = clock.count.unwrap_or(Counting::FromTheMoment);
    if unit == Unit::Hour && counting == Counting::AfterTheDay {
        return Err(wrong(
            &clock.id,
            "hours are counted from the moment; `count = \"after-the-day\"` is for days and months",
        ));
    }
    let calendar = match (&clock.calendar, unit) {
        (Some(id), Unit::BusinessDay) => {
            let known: Vec<_> = calendars.iter().map(|calendar| calendar.id.as_str()).collect();
            let found = calendars.iter().find(|calendar| calendar.id == *id.get_ref());
            let mend =
                nearest(id.get_ref(), &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Some(found.ok_or_else(|| wrong(id, format!("no calendar `{}`{mend}", id.get_ref())))?.clone())
        }
        (Some(id), _) => return Err(wrong(id, "only business days have a calendar")),
        (None, Unit::BusinessDay) => {
            return Err(wrong(&clock.id, "business days need a `calendar`, which says which days are none"));
        }
        (None, _) => None,
    };
    if !(-12..=14).contains(&clock.utc_offset_h) {
        return Err(wrong(&clock.id, "`utc_offset_h` is -12 to 14"));
    }
    Ok(Some(Within { amount: *amount.get_ref(), unit, counting, utc_offset_h: clock.utc_offset_h, calendar }))
}

/// Regimes that can be used, and what is wrong with the file that cannot.
#[derive(Clone, Debug, Default)]
pub struct Law {
    pub regimes: Vec<Regime>,
    pub problems: Vec<String>,
}

impl RegulationSection {
    /// Reads the files. One with a mistake does not close the room: the shipped one is used, and the mistake is told.
    pub fn law(&self) -> Law {
        let mut law = Law::default();
        if let Some(path) = &self.file {
            match own(path) {
                Ok(regimes) => law.regimes = regimes,
                Err(problem) => law.problems.push(format!("{problem}; the shipped regulation is used")),
            }
        }
        match read(SHIPPED.1, SHIPPED.0) {
            Ok(shipped) => {
                for regime in shipped {
                    if !law.regimes.iter().any(|own| own.id == regime.id) {
                        law.regimes.push(regime);
                    }
                }
            }
            Err(mistake) => law.problems.push(mistake.to_string()),
        }
        for (ids, on) in [(&self.on, true), (&self.off, false)] {
            for id in ids {
                match law.regimes.iter_mut().find(|regime| regime.id == *id) {
                    Some(regime) => regime.on = on,
                    None => {
                        let known: Vec<_> = law.regimes.iter().map(|regime| regime.id.as_str()).collect();
                        let mend = nearest(id, &known).map_or_else(
                            || format!("there are {}", known.join(", ")),
                            |near| format!("did you mean `{near}`?"),
                        );
                        law.problems.push(format!("[regulation] names no regime `{id}`; {mend}"));
                    }
                }
            }
        }
        law
    }
}

fn own(path: &Path) -> Result<Vec<Regime>, String> {
    let source = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    read(&source, &path.display().to_string()).map_err(|mistake| mistake.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_right_and_what_is_not_verified_is_off() {
        let law = RegulationSection::default().law();
        assert_eq!(law.problems, [""; 0]);
        let ids: Vec<_> = law.regimes.iter().filter(|regime| regime.on).map(|regime| regime.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "gdpr-33",
                "gdpr-34",
                "nis2-23",
                "cra-14-vulnerability",
                "cra-14-incident",
                "fda-803",
                "fda-803-53",
                "sec-8k",
                "hipaa-164"
            ]
        );
        for regime in &law.regimes {
            assert!(!regime.on || regime.verified != "no", "{} is on, and not verified", regime.id);
            assert!(!regime.source.is_empty() && !regime.version.is_empty());
        }
        // The clocks of the table, in its words.
        let rules: Vec<String> = law
            .regimes
            .iter()
            .flat_map(|regime| {
                regime.terms.iter().map(move |term| format!("{} {}: {}", regime.id, term.id, term.rule()))
            })
            .collect();
        for expected in [
            "gdpr-33 authority: 72 h from aware",
            "gdpr-34 persons: without undue delay from aware",
            "nis2-23 final: 1 calendar month from filed notification",
            "cra-14-vulnerability early-warning: 24 h from aware",
            "cra-14-vulnerability final: 14 calendar days from fix available",
            "cra-14-incident final: 1 calendar month from filed notification",
            "fda-803 report: 30 calendar days after the day of aware",
            "fda-803-53 report: 5 business days after the day of aware",
            "sec-8k 8-k: 4 business days after the day of determined material",
            "hipaa-164 individuals: 60 calendar days after the day of discovered",
        ] {
            assert!(rules.iter().any(|rule| rule == expected), "{expected}\n{rules:#?}");
        }
    }

    #[test]
    fn regimes_are_switched_on_off_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("law.toml");
        let own = REGIME.replace("id = 'x'", "id = 'gdpr-33'");
        std::fs::write(&path, own).unwrap();
        let section = RegulationSection {
            file: Some(path.clone()),
            on: vec!["us-circia".into()],
            off: vec!["sec-8k".into(), "gdrp-34".into()],
        };
        let law = section.law();
        let find = |id: &str| law.regimes.iter().find(|regime| regime.id == id).unwrap();
        assert_eq!((find("gdpr-33").name.as_str(), find("us-circia").on, find("sec-8k").on), ("X", true, false));
        assert_eq!(law.problems, ["[regulation] names no regime `gdrp-34`; did you mean `gdpr-34`?"]);
        std::fs::write(&path, "[[regime]]\nid = 7\n").unwrap();
        let law = RegulationSection { file: Some(path), ..RegulationSection::default() }.law();
        assert!(
            law.problems[0].contains("law.toml:2:6: ") && law.problems[0].ends_with("the shipped regulation is used")
        );
        assert_eq!(law.regimes[0].name, "GDPR art. 33");
    }

    const REGIME: &str = "
[[calendar]]
id = 'c'
weekend = ['sun']
covers = [2026, 2026]
holidays = ['2026-01-01']
[[regime]]
id = 'x'
name = 'X'
source = 's'
version = '2026-11-01'
verified = 'text'
on = true
triggers = 'aware'
[[regime.criterion]]
id = 'c'
ask = '?'
[[regime.clock]]
id = 'first'
what = 'w'
to = 't'
from = 'aware'
within = 3
unit = 'business-day'
calendar = 'c'
";

    #[test]
    fn a_mistake_is_told_with_line_column_and_what_was_expected() {
        assert_eq!(read(REGIME, "law.toml").unwrap().len(), 1);
        // (what stands there, what is written instead, what is told)
        let cases = [
            (
                "unit = 'business-day'",
                "unit = 'busines-day'",
                "law.toml:24:8: unknown value `busines-day`; did you mean `business-day`?",
            ),
            ("calendar = 'c'", "calendar = 'd'", "law.toml:25:12: no calendar `d`"),
            ("unit = 'business-day'", "unit = 'month'", "law.toml:25:12: only business days have a calendar"),
            ("calendar = 'c'", "", "law.toml:19:6: business days need a `calendar`"),
            ("within = 3", "within = 0", "law.toml:23:10: expected 1 to 3660"),
            ("within = 3", "", "law.toml:19:6: a unit needs a number"),
            ("unit = 'business-day'", "", "law.toml:23:10: a number needs a `unit`"),
            (
                "from = 'aware'",
                "from = 'filed second'",
                "law.toml:22:8: `second` is no clock above this one; there is none",
            ),
            ("triggers = 'aware'", "triggers = 'awre'", "law.toml:14:12: no clock counts `from = \"awre\"`"),
            ("version = '2026-11-01'", "version = 'lately'", "law.toml:11:11: `lately` is not a day"),
            ("verified = 'text'", "verified = 'yes'", "law.toml:12:12: unknown value `yes`; expected one of text"),
            ("weekend = ['sun']", "weekend = ['sunday']", "law.toml:4:12: unknown day `sunday`"),
            ("'2026-01-01']", "'2026-13-01']", "law.toml:6:13: `2026-13-01` is not a day"),
            ("ask = '?'", "aks = '?'", "law.toml:17:1: unknown key `aks`; expected one of id, ask"),
            ("[[regime.criterion]]\nid = 'c'\nask = '?'", "", "law.toml:8:6: a regime needs a [[regime.criterion]]"),
        ];
        for (from, to, expected) in cases {
            let told = read(&REGIME.replace(from, to), "law.toml").unwrap_err().to_string();
            assert!(told.starts_with(expected), "{to}\n{told}");
        }
    }
}
