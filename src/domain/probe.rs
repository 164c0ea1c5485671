//! Probes: what can be asked to tell a fault of the platform from one of devices, and what was answered.

use serde::{Deserialize, Serialize};

/// How one step on the way to the broker went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The one before it failed.
    #[default]
    NotTried,
    Done {
        ms: u32,
    },
    Failed {
        reason: String,
        /// Whether it is the broker that fails, whoever asks it; otherwise our own network may.
        by_broker: bool,
    },
}

/// The way to the broker, gone once beside the link: its name, a connection, TLS where that is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    pub host: String,
    pub name: Step,
    pub connection: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Step>,
}

impl Reach {
    fn steps(&self) -> impl Iterator<Item = (&'static str, &Step)> {
        [("name", &self.name), ("connection", &self.connection)]
            .into_iter()
            .chain(self.tls.iter().map(|tls| ("TLS", tls)))
    }

    /// Why it failed, and whether whoever asks would fail alike; none where it did not.
    pub fn failure(&self) -> Option<(&str, bool)> {
        self.steps().find_map(|(_, step)| match step {
            Step::Failed { reason, by_broker } => Some((reason.as_str(), *by_broker)),
            _ => None,
        })
    }

    /// `broker.example.com answers: name 2 ms, connection 14 ms, TLS 31 ms`, or why it does not.
    pub fn words(&self) -> String {
        if let Some((reason, _)) = self.failure() {
            return reason.to_owned();
        }
        let done = self.steps().filter_map(|(name, step)| match step {
            Step::Done { ms } => Some(format!("{name} {ms} ms")),
            _ => None,
        });
        format!("{} answers: {}", self.host, done.collect::<Vec<_>>().join(", "))
    }
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Is our own link up, and was it when it began?
    OwnLink,
    /// Can the broker be reached: its name, a connection, TLS?
    Way,
    /// What does the broker count of itself?
    Broker,
    /// How is it spread over what devices share?
    Breadth,
    /// Did it come at one moment, or of a quota?
    Synchrony,
}

impl Question {
    pub const fn name(self) -> &'static str {
        match self {
            Self::OwnLink => "own link",
            Self::Way => "DNS, TLS",
            Self::Broker => "broker",
            Self::Breadth => "breadth",
            Self::Synchrony => "moment",
        }
    }
}

/// What an answer points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Points {
    Platform,
    Device,
    /// It is known, and speaks for neither.
    Neither,
    Unknown,
}

impl Points {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Device => "device",
            Self::Neither => "neither",
            Self::Unknown => "unknown",
        }
    }
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub question: Question,
    pub points: Points,
    /// What was found, or why nothing is known.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_told_by_its_first_failure_or_by_its_times() {
        let done = |ms| Step::Done { ms };
        let failed = |reason: &str, by_broker| Step::Failed { reason: reason.into(), by_broker };
        let reach = |name, connection, tls| Reach { host: "b".into(), name, connection, tls };
        let cases = [
            (reach(done(2), done(14), Some(done(31))), "b answers: name 2 ms, connection 14 ms, TLS 31 ms", None),
            (reach(done(2), done(14), None), "b answers: name 2 ms, connection 14 ms", None),
            (reach(failed("b is not known", false), Step::NotTried, None), "b is not known", Some(false)),
            (reach(done(2), done(3), Some(failed("expired", true))), "expired", Some(true)),
        ];
        for (reach, words, by_broker) in cases {
            assert_eq!((reach.words().as_str(), reach.failure().map(|(_, by)| by)), (words, by_broker));
        }
    }
}
