//! Faults: what can be wrong with a message. Bad telemetry is not an error of ours; it is counted by kind,
//! a sample of it is kept, and the next message is read.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $label:literal, $why:literal;)*) => {
        /// A kind of bad input. The label stands in counters and exports; the sentence stands on the screen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// What it means, in words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $why,)* }
            }
        }
    };
}

faults! {
    BadTopic = "bad_topic", "the topic fits no route, or is not a topic at all";
    IdTooLong = "id_too_long", "the device id is longer than the limit";
    IdMismatch = "id_mismatch", "the device id in the payload is not the one in the topic";
    TooLarge = "too_large", "the payload is larger than the limit; only its beginning was read";
    BadUtf8 = "bad_utf8", "the payload is not UTF-8 text";
    BadJson = "bad_json", "the payload is not JSON";
    TooDeep = "too_deep", "the JSON is nested deeper than the limit";
    DuplicateKey = "duplicate_key", "a field stands twice in the JSON";
    BadShape = "bad_shape", "the JSON is not an object with fields";
    BadType = "bad_type", "a field has the wrong type, such as text for a number";
    BadProtobuf = "bad_protobuf", "the payload is not the Protocol Buffers message that its topic promises";
    BadNumber = "bad_number", "a number is too large to be held exactly";
    BadStatus = "bad_status", "a state or status is not one of the known words";
    /// Taken, with the field left out.
    OutOfRange = "out_of_range", "a number lies outside its sensible range";
    /// Taken; the time of arrival counts.
    BadTimestamp = "bad_ts", "the time stamp cannot be read";
    FutureTimestamp = "future_ts", "the time stamp lies in the future";
    OldTimestamp = "old_ts", "the time stamp lies more than a day back";
    Duplicate = "duplicate", "the message came twice";
    OutOfOrder = "out_of_order", "the message is older than one already taken";
    /// Taken.
    SequenceGap = "seq_gap", "messages before it are missing: lost, or never sent";
    /// Taken, as far as it can be read.
    NoBirth = "no_birth", "data came before the birth that explains them; a rebirth request, which this room never sends, would help";
    /// Taken, with the metric left out.
    UnknownAlias = "unknown_alias", "a metric has an alias that no birth has told; a rebirth request, which this room never sends, would help";
    AliasesFull = "aliases_full", "the table of aliases is full; some metrics of this node are not followed";
    StaleDeath = "stale_death", "a death certificate of an earlier session; the node lives";
    /// Taken.
    SharedName = "shared_name", "a device is now here, now there: several share one id, or messages disagree about it";
    UnknownRequest = "unknown_request", "it answers a request that this room never made";
    ForeignCommand = "foreign_command", "a command on the wire that this room did not send";
    TableFull = "table_full", "the device table is full; this device is not followed";
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
