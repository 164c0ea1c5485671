//! The five questions that tell a fault of the platform from one of devices, each with what is known, or why nothing is.

use super::census::{self, Gone};
use super::suspects::Breadth;
use super::verdict::{Facts, OwnLink};
use crate::domain::cohort::CohortKey;
use crate::domain::count::counted;
use crate::domain::observation::BrokerMetric;
use crate::domain::probe::{Points, Probe, Question, Reach};
use crate::domain::symptom::Symptom;
use crate::fleet::BrokerWitness;

/// Attributes of where a device is connected rather than of what it is.
const NETWORK: [&str; 3] = ["region", "carrier", "site"];
/// Everybody is hit alike where the least affected large cohort is affected at least half as much as the fleet.
const ALIKE: f64 = 0.5;
/// And this share of the fleet is affected.
const EVERYBODY: f64 = 0.4;
/// Seconds within which nine of ten devices must have gone for it to be one event: a keep-alive and a half.
pub(super) const AT_ONCE_S: i64 = 90;

/// What is read off the fleet once, for the verdict and for its probes.
pub(super) struct Signs<'a> {
    pub(super) cohort: &'a CohortKey,
    breadth: Option<&'a Breadth>,
    /// How devices went, where they went away.
    pub(super) gone: Option<Gone>,
}

impl<'a> Signs<'a> {
    pub(super) fn read(facts: &Facts<'a>, cohort: &'a CohortKey) -> Self {
        let went = facts.has(Symptom::Offline);
        Self { cohort, breadth: facts.breadth, gone: went.then(|| census::gone(facts.fleet, cohort)).flatten() }
    }

    /// How many are affected, and how many of those who are least.
    pub(super) fn spread(&self) -> Option<String> {
        let breadth = self.breadth?;
        Some(format!(
            "{:.0} % of all affected, {:.0} % in the large cohort hit least",
            share(breadth) * 100.0,
            breadth.least * 100.0
        ))
    }

    /// Whether everybody is hit alike.
    pub(super) fn is_everybody(&self) -> bool {
        self.breadth.is_some_and(|breadth| share(breadth) >= EVERYBODY && breadth.least >= ALIKE * share(breadth))
    }

    /// Whether it is about where devices are connected.
    pub(super) fn is_of_network(&self) -> bool {
        is_of_network(self.cohort)
    }
}

/// Whether a cohort is about where devices are connected rather than about what they are.
pub(super) fn is_of_network(cohort: &CohortKey) -> bool {
    !cohort.is_fleet() && cohort.0.keys().all(|attribute| NETWORK.contains(&attribute.as_str()))
}

fn share(breadth: &Breadth) -> f64 {
    f64::from(breadth.affected) / f64::from(breadth.devices.max(1))
}

/// All five answers, in the order in which a person would ask.
pub(super) fn answers(facts: &Facts<'_>, signs: &Signs<'_>) -> Vec<Probe> {
    vec![
        own_link(facts.own_link),
        way(facts.reach),
        broker(facts.fleet.broker()),
        breadth(signs),
        synchrony(facts, signs),
    ]
}

/// The answers while there is nothing that they could be about: what is known without devices.
pub fn idle(link: OwnLink, reach: Option<&Reach>, witness: &BrokerWitness) -> Vec<Probe> {
    let nothing = |question| answer(question, Points::Unknown, "nothing has been declared that it could be asked of");
    vec![own_link(link), way(reach), broker(witness), nothing(Question::Breadth), nothing(Question::Synchrony)]
}

fn answer(question: Question, points: Points, words: impl Into<String>) -> Probe {
    Probe { question, points, words: words.into() }
}

fn own_link(link: OwnLink) -> Probe {
    let since = link.since.utc().format("%H:%M:%SZ");
    match (link.is_up, link.was_down) {
        (_, true) => answer(Question::OwnLink, Points::Unknown, "down when this began: what is seen may be ours"),
        (true, false) => answer(Question::OwnLink, Points::Neither, format!("up since {since}")),
        (false, false) => {
            answer(Question::OwnLink, Points::Unknown, format!("down since {since}: nothing is seen now"))
        }
    }
}

fn way(reach: Option<&Reach>) -> Probe {
    match reach {
        None => answer(Question::Way, Points::Unknown, "not tried: that is done while something is in doubt"),
        Some(reach) => {
            let points = match reach.failure() {
                None => Points::Neither,
                Some((_, true)) => Points::Platform,
                // Our own network, or our own resolver, may be at fault.
                Some((_, false)) => Points::Unknown,
            };
            answer(Question::Way, points, reach.words())
        }
    }
}

fn broker(witness: &BrokerWitness) -> Probe {
    if let Some(lost) = witness.lost() {
        return answer(Question::Broker, Points::Platform, lost);
    }
    match witness.get(BrokerMetric::Connected) {
        Some(clients) => {
            answer(Question::Broker, Points::Neither, format!("it counts {clients:.0} clients, about as many as usual"))
        }
        None => answer(Question::Broker, Points::Unknown, "it tells nothing of itself: no counters ($SYS) have come"),
    }
}

fn breadth(signs: &Signs<'_>) -> Probe {
    let Some(spread) = signs.spread() else {
        return answer(Question::Breadth, Points::Unknown, "not looked at yet");
    };
    let points = match signs.cohort.is_fleet() {
        true if signs.is_everybody() => Points::Platform,
        true => Points::Neither,
        false if signs.is_of_network() => Points::Neither,
        false => Points::Device,
    };
    answer(Question::Breadth, points, spread)
}

fn synchrony(facts: &Facts<'_>, signs: &Signs<'_>) -> Probe {
    let ask = |points, words: String| answer(Question::Synchrony, points, words);
    let refused = facts.affected(Symptom::Refused);
    if refused > 0 {
        let points = if signs.cohort.is_fleet() { Points::Platform } else { Points::Neither };
        return ask(points, format!("throttled or refused: {}; a quota has been reached", counted(refused, "device")));
    }
    match signs.gone {
        Some(Gone::Within(within_s)) if within_s <= AT_ONCE_S => {
            let points =
                if signs.cohort.is_fleet() || signs.is_of_network() { Points::Platform } else { Points::Neither };
            ask(points, format!("nine of ten went within {within_s} s, and no quota was reached"))
        }
        Some(Gone::Again) => ask(Points::Neither, "they come and go, and no quota was reached".into()),
        Some(Gone::Within(within_s)) => {
            ask(Points::Neither, format!("it took {within_s} s to spread, and no quota was reached"))
        }
        None => ask(Points::Unknown, format!("{}, and no quota was reached", facts.no_moment())),
    }
}
