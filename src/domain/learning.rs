//! What is left of an incident when it is over: the postmortem's words, action items, costs, and its measured impact.
//!
//! It changes by [`LearningEvent`]s only. Whether the whole can be called done is asked of [`Learning::shortcomings`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cost::CostEntry;
use super::day::Day;
use super::due::{Due, DueKind};
use super::event::LearningEvent;
use super::ids::{Actor, IncidentId};
use super::impact::Impact;
use super::incident::{Incident, Severity};
use super::time::At;

/// Days from service restored to a postmortem that can be read, for the two worst severities.
pub const POSTMORTEM_DAYS: i64 = 7;

/// A section of the postmortem that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    Summary,
    Impact,
    Detection,
    Worked,
    DidNotWork,
    Missing,
    RootCause,
    Lessons,
}

impl Section {
    pub const ALL: [Self; 8] = [
        Self::Summary,
        Self::Impact,
        Self::Detection,
        Self::Worked,
        Self::DidNotWork,
        Self::Missing,
        Self::RootCause,
        Self::Lessons,
    ];

    /// Those that a postmortem cannot be without.
    pub const REQUIRED: [Self; 3] = [Self::Summary, Self::RootCause, Self::Lessons];

    /// The word of the command line.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Impact => "impact",
            Self::Detection => "detection",
            Self::Worked => "worked",
            Self::DidNotWork => "did-not-work",
            Self::Missing => "missing",
            Self::RootCause => "root-cause",
            Self::Lessons => "lessons",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Impact => "Impact",
            Self::Detection => "Detection",
            Self::Worked => "What worked",
            Self::DidNotWork => "What did not work",
            Self::Missing => "What was missing",
            Self::RootCause => "Root cause",
            Self::Lessons => "Lessons",
        }
    }

    /// What it should answer.
    pub const fn question(self) -> &'static str {
        match self {
            Self::Summary => "What happened, to whom, for how long, in three sentences?",
            Self::Impact => "What did it mean for the people behind the devices?",
            Self::Detection => "How was it found? How could it have been found sooner?",
            Self::Worked => "What worked?",
            Self::DidNotWork => "What did not work?",
            Self::Missing => "What was missing?",
            Self::RootCause => "Beyond the trigger: what allowed this to happen?",
            Self::Lessons => "What do we know now that we did not know before?",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.id() == text)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A section as it was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    pub by: Actor,
    pub at: At,
}

/// What somebody is going to do so that this does not happen again, or is found sooner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub text: String,
    pub owner: Option<String>,
    pub due: Option<Day>,
}

/// How an action item ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Done,
    /// It will not be done, for this reason.
    Dropped(String),
    /// Opened again.
    Open,
}

/// An action item on the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionItem {
    /// Counted from 1 in its incident.
    pub number: u32,
    pub plan: Plan,
    pub added: At,
    pub by: Actor,
    pub ended: Option<(At, Actor, Ending)>,
}

impl ActionItem {
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether its day has passed and it is not done.
    pub fn is_overdue(&self, today: Day) -> bool {
        self.is_open() && self.plan.due.is_some_and(|due| due < today)
    }

    /// What it lacks, in words.
    pub fn lacks(&self) -> Option<&'static str> {
        match (&self.plan.owner, self.plan.due) {
            (Some(_), Some(_)) => None,
            (None, Some(_)) => Some("an owner"),
            (Some(_), None) => Some("a due date"),
            (None, None) => Some("an owner and a due date"),
        }
    }
}

/// Everything of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learning {
    pub sections: BTreeMap<Section, Written>,
    pub actions: Vec<ActionItem>,
    pub costs: Vec<CostEntry>,
    pub impact: Option<Impact>,
    /// When the postmortem was called done, and by whom.
    pub published: Option<(At, Actor)>,
}

impl Learning {
    /// Changes it by one event.
    pub fn apply(&mut self, at: At, by: &Actor, event: &LearningEvent) {
        match event {
            LearningEvent::SectionWritten { section, text, .. } => {
                self.sections.insert(*section, Written { text: text.clone(), by: by.clone(), at });
            }
            LearningEvent::ActionAdded { action, plan, .. } => self.actions.push(ActionItem {
                number: *action,
                plan: plan.clone(),
                added: at,
                by: by.clone(),
                ended: None,
            }),
            LearningEvent::ActionChanged { action, to, .. } => {
                if let Some(item) = self.actions.iter_mut().find(|item| item.number == *action) {
                    item.plan.clone_from(to);
                }
            }
            LearningEvent::ActionEnded { action, ending, .. } => {
                if let Some(item) = self.actions.iter_mut().find(|item| item.number == *action) {
                    item.ended = (*ending != Ending::Open).then(|| (at, by.clone(), ending.clone()));
                }
            }
            LearningEvent::CostNoted { number, cost, .. } => {
                self.costs.push(CostEntry { number: *number, cost: cost.clone(), by: by.clone(), at, withdrawn: None })
            }
            LearningEvent::CostWithdrawn { number, reason, .. } => {
                if let Some(entry) = self.costs.iter_mut().find(|entry| entry.number == *number) {
                    entry.withdrawn = Some((by.clone(), reason.clone()));
                }
            }
            LearningEvent::ImpactMeasured { impact, .. } => self.impact = Some(*impact),
            LearningEvent::PostmortemPublished { .. } => self.published = Some((at, by.clone())),
        }
    }

    /// The postmortem that an incident owes. It stands with what is due in its last two days only: a week is long.
    pub fn due(&self, incident: &Incident, now: At) -> Option<Due> {
        const SHOWN_S: i64 = 2 * 86_400;
        let at = postmortem_due(incident.severity, incident.moments.mitigated).filter(|_| self.published.is_none())?;
        let label = "postmortem".to_owned();
        let due = Due { incident: Some(incident.id), kind: DueKind::Followup, label, at, warn_s: 86_400 };
        (due.left_s(now) < SHOWN_S).then_some(due)
    }

    /// What still keeps the postmortem from being done.
    pub fn shortcomings(&self, incident: IncidentId) -> Vec<String> {
        let missing = Section::REQUIRED.into_iter().filter(|section| !self.sections.contains_key(section));
        let unwritten = missing.map(|section| format!("{incident} has no {}", section.name().to_lowercase()));
        let vague = self.actions.iter().filter_map(|item| {
            item.lacks().map(|lacks| format!("action {}.{} lacks {lacks}: {}", incident.0, item.number, item.plan.text))
        });
        let none = self.actions.is_empty().then(|| format!("{incident} has no action item"));
        unwritten.chain(none).chain(vague).collect()
    }
}

/// When the postmortem of an incident must be there: a week after service was restored, for the two worst severities.
pub fn postmortem_due(severity: Severity, mitigated: Option<At>) -> Option<At> {
    let restored = mitigated.filter(|_| severity <= Severity::Sev2)?;
    Some(restored.plus_s(POSTMORTEM_DAYS * 86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    #[test]
    fn a_postmortem_is_due_a_week_after_service_was_restored_where_it_was_bad() {
        // (severity, restored, due)
        let cases = [
            (Severity::Sev1, Some("2026-11-20T17:30:00Z"), Some("2026-11-27T17:30:00Z")),
            (Severity::Sev2, Some("2026-12-28T23:59:59Z"), Some("2027-01-04T23:59:59Z")),
            // Over the end of summer time it is a week of hours all the same.
            (Severity::Sev2, Some("2026-10-22T10:00:00Z"), Some("2026-10-29T10:00:00Z")),
            (Severity::Sev3, Some("2026-11-20T17:30:00Z"), None),
            // Not restored yet, or reopened: nothing is due.
            (Severity::Sev1, None, None),
        ];
        for (severity, restored, due) in cases {
            assert_eq!(postmortem_due(severity, restored.map(at)), due.map(at), "{severity} {restored:?}");
        }
    }

    #[test]
    fn an_action_item_needs_an_owner_and_a_date_and_is_overdue_when_that_has_passed() {
        let plan = |owner: Option<&str>, due: Option<&str>| Plan {
            text: "x".into(),
            owner: owner.map(str::to_owned),
            due: due.map(|due| due.parse().unwrap()),
        };
        let mut learning = Learning::default();
        let incident = IncidentId(7);
        let mira = Actor::Person("mira".into());
        let cases = [
            (plan(Some("jo"), Some("2026-12-01")), None),
            (plan(None, Some("2026-12-01")), Some("an owner")),
            (plan(Some("jo"), None), Some("a due date")),
            (plan(None, None), Some("an owner and a due date")),
        ];
        for (n, (plan, lacks)) in cases.into_iter().enumerate() {
            let event = LearningEvent::ActionAdded { incident, action: n as u32 + 1, plan };
            learning.apply(at("2026-11-20T10:00:00Z"), &mira, &event);
            assert_eq!(learning.actions[n].lacks(), lacks);
        }
        let told = learning.shortcomings(incident);
        assert!(told.contains(&"action 7.4 lacks an owner and a due date: x".to_owned()), "{told:?}");
        assert_eq!(told.len(), 3 + 3);
        let item = &learning.actions[0];
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert!(!item.is_overdue(day("2026-12-01")) && item.is_overdue(day("2026-12-02")));
        let done = LearningEvent::ActionEnded { incident, action: 1, text: "x".into(), ending: Ending::Done };
        learning.apply(at("2026-12-02T10:00:00Z"), &mira, &done);
        assert!(!learning.actions[0].is_overdue(day("2026-12-09")));
        let open = LearningEvent::ActionEnded { incident, action: 1, text: "x".into(), ending: Ending::Open };
        learning.apply(at("2026-12-03T10:00:00Z"), &mira, &open);
        assert!(learning.actions[0].is_overdue(day("2026-12-09")));
    }
}
