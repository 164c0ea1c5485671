//! Questions that the room answers from live data: in triage, and beside the steps of a runbook.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! queries {
    ($($name:ident = $id:literal, $question:literal;)*) => {
        /// A question about an incident; a runbook names it by its id: `{query: firmware}`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Query { $($name,)* }

        impl Query {
            /// Every question, in the order in which people ask them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            pub const fn question(self) -> &'static str {
                match self { $(Self::$name => $question,)* }
            }
        }
    };
}

queries! {
    Affected = "affected", "how many devices are affected?";
    Breadth = "breadth", "one device or many?";
    Firmware = "firmware", "which firmware?";
    Hardware = "hardware", "which hardware?";
    Region = "region", "which region?";
    Carrier = "carrier", "which carrier?";
    Site = "site", "which site?";
    Customers = "customers", "which customers?";
    Config = "config", "which configuration?";
    Origin = "origin", "platform or device?";
    Onset = "onset", "since when?";
    Rollout = "rollout", "is a rollout in flight?";
    Codes = "codes", "which error codes?";
    Changes = "changes", "what changed?";
    Online = "online", "who is connected?";
    Errors = "errors", "who reports errors?";
    Reboots = "reboots", "who reboots by itself?";
    Reconnects = "reconnects", "who comes back again and again?";
    Messages = "messages", "who sends how much?";
    Talkers = "talkers", "who sends most?";
    Quality = "quality", "is what they send right?";
    Backlog = "backlog", "who has a backlog?";
    Platform = "platform", "is the platform well?";
}

impl Query {
    /// Those of triage; the others stand beside the steps of runbooks.
    pub const TRIAGE: &'static [Self] = Self::ALL.split_at(14).0;

    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|query| query.id() == id)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What the room knows about a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub query: Query,
    /// Whether there is an answer; else the text says that it is unknown.
    pub known: bool,
    pub text: String,
    /// What it rests on; of what is unknown, what was tried.
    pub evidence: String,
}

impl Answer {
    pub fn known(query: Query, text: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self { query, known: true, text: text.into(), evidence: evidence.into() }
    }

    pub fn unknown(query: Query, tried: impl Into<String>) -> Self {
        Self { query, known: false, text: "unknown".into(), evidence: tried.into() }
    }
}
