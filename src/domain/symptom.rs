//! Symptoms: what can be wrong with a device, noticed message by message or by the lack of them.
//!
//! Devices are counted, not messages: within a minute a device shows a symptom once, however often it does, so that one
//! mad device is not an incident.

use serde::{Deserialize, Serialize};

use super::signal::Signal;

macro_rules! symptoms {
    ($($(#[$doc:meta])* $name:ident = $signal:ident, $words:literal;)*) => {
        /// A thing that can be wrong with a device; the words follow a number of devices.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum Symptom { $($(#[$doc])* $name,)* }

        impl Symptom {
            pub const ALL: [Self; 17] = [$(Self::$name,)*];

            /// What an alert about it is called after.
            pub const fn signal(self) -> Signal {
                match self { $(Self::$name => Signal::$signal,)* }
            }

            /// What the devices do: `are away`, `rebooted`.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

symptoms! {
    /// Away without an excuse.
    Offline = Online, "went away";
    /// Rebooted though nobody asked for it.
    Rebooting = Reboots, "rebooted";
    /// Came back for the third time within a few minutes.
    Reconnecting = Reconnects, "reconnect again and again";
    Erring = Errors, "report errors";
    /// Was refused its credentials, or spoke with another's name.
    AuthFailing = AuthFailures, "fail to authenticate";
    /// Was told to be quiet, or had a message refused.
    Refused = Refusals, "are throttled or refused";
    BadSignature = BadSignatures, "refuse the signature of their firmware";
    UpdateFailing = UpdateFailures, "fail their update";
    /// Is connected, and sends nothing where it always did.
    Silent = Silence, "are connected but silent";
    /// Sends more than twice as much as it did.
    Flooding = Messages, "send more than twice their usual messages";
    /// Has more and more messages waiting in itself.
    Queueing = Queue, "have a growing backlog";
    /// Its battery lost another point.
    Draining = Battery, "lose battery";
    /// Sends what cannot be read, or lacks fields it always had.
    Malformed = Format, "send malformed data";
    /// Measures what is out of range, or unlike anything it measured before.
    Implausible = Values, "send implausible values";
    /// Measures exactly the same again and again.
    Stuck = StuckValues, "repeat one value";
    /// Sends late, early, twice, out of order, or with gaps.
    Disordered = Order, "send late, twice or out of order";
    /// Measures plausible values that are not what it used to measure, while the rest of the fleet goes on as it did.
    Drifting = Drift, "drift away from what they used to measure";
}

impl Symptom {
    pub const COUNT: usize = Self::ALL.len();

    /// Those of devices that do not take their update, a bit each.
    pub const OF_UPDATES: u32 = Self::BadSignature.bit() | Self::UpdateFailing.bit();

    /// Whether only devices that were given an update can show it.
    pub const fn is_of_updates(self) -> bool {
        self.bit() & Self::OF_UPDATES != 0
    }

    pub const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// The symptoms of which there is a bit.
    pub fn of_bits(mut bits: u32) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let first = Self::ALL.get(bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(*first)
        })
    }

    /// Whether it says that data is wrong rather than devices.
    pub const fn is_about_data(self) -> bool {
        matches!(self, Self::Malformed | Self::Implausible | Self::Stuck | Self::Disordered | Self::Drifting)
    }

    /// What it is called where one device is spoken of: `away`, or its signal's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offline => "away",
            other => other.signal().name(),
        }
    }

    /// The one whose name begins so, `-` for a space; an error that lists the names where there is none.
    ///
    /// # Errors
    /// Where none begins so, or several.
    pub fn named(text: &str) -> Result<Self, String> {
        let text = text.to_lowercase().replace('-', " ");
        let begins: Vec<Self> = Self::ALL.into_iter().filter(|symptom| symptom.name().starts_with(&text)).collect();
        let exactly = begins.iter().find(|symptom| symptom.name() == text);
        match (&begins[..], exactly) {
            (_, Some(one)) | ([one], None) => Ok(*one),
            _ => {
                let names: Vec<String> = Self::ALL.iter().map(|symptom| symptom.name().replace(' ', "-")).collect();
                Err(format!("nothing that is wrong is called `{text}`; there are {}", names.join(", ")))
            }
        }
    }

    /// The symptom that alerts of this signal are about.
    pub fn of(signal: Signal) -> Option<Self> {
        Self::ALL.into_iter().find(|symptom| symptom.signal() == signal)
    }
}
