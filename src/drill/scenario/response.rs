//! What the world makes of an order: how long it takes, who refuses, who never answers, and who only says yes.

use serde::Deserialize;

/// How the world answers when a switch is pulled.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponsePlan {
    /// Seconds until a campaign's controller says yes, where the order itself says nothing else.
    pub controller_s: f64,
    /// Seconds over which a rollback reaches the devices.
    pub rollback_s: f64,
    pub halt: Answer,
    pub resume: Answer,
    pub rollback: Answer,
    pub config: Answer,
    pub revoke: Answer,
    pub restore: Answer,
    pub quarantine: Answer,
    pub release: Answer,
    pub throttle: Answer,
    pub unthrottle: Answer,
    pub restart: Answer,
}

impl Default for ResponsePlan {
    fn default() -> Self {
        Self {
            controller_s: 0.8,
            rollback_s: 60.0,
            halt: Answer::default(),
            resume: Answer::default(),
            rollback: Answer::default(),
            config: Answer::default(),
            revoke: Answer::default(),
            restore: Answer::default(),
            quarantine: Answer::default(),
            release: Answer::default(),
            throttle: Answer::default(),
            unthrottle: Answer::default(),
            restart: Answer::default(),
        }
    }
}

impl ResponsePlan {
    /// Every answer, by the order it is to.
    pub fn answers(&self) -> [(&'static str, &Answer); 11] {
        [
            ("halt", &self.halt),
            ("resume", &self.resume),
            ("rollback", &self.rollback),
            ("config", &self.config),
            ("revoke", &self.revoke),
            ("restore", &self.restore),
            ("quarantine", &self.quarantine),
            ("release", &self.release),
            ("throttle", &self.throttle),
            ("unthrottle", &self.unthrottle),
            ("restart", &self.restart),
        ]
    }
}

/// The answer to one kind of order. `refused`, `mute` and `escaped` are shares of those it goes to, together at most 1;
/// the rest does as it is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// Seconds until the answer, from and to.
    pub after_s: Option<(f64, f64)>,
    /// Refuse, with `error`.
    pub refused: f64,
    pub error: String,
    /// Never answer, and do nothing.
    pub mute: f64,
    /// Say yes, and do nothing.
    pub escaped: f64,
}

/// What becomes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Obeyed,
    Refused(String),
    Mute,
    Escaped,
}

impl Answer {
    /// What becomes of an order to whom this number of 0..1 was drawn.
    pub fn fate(&self, lot: f64) -> Fate {
        if lot < self.refused {
            let error = if self.error.is_empty() { "not permitted" } else { &self.error };
            Fate::Refused(error.to_owned())
        } else if lot < self.refused + self.mute {
            Fate::Mute
        } else if lot < self.refused + self.mute + self.escaped {
            Fate::Escaped
        } else {
            Fate::Obeyed
        }
    }
}
