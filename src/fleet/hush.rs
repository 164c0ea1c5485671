//! A hush: nobody at all is heard, though our own link is up and somebody always was.
//!
//! Every single device is silent only after some of its own periods, which may be minutes. That all of them stop at one
//! moment is known much sooner, and it is nobody's habit: what lies between them and us has stopped.

/// No shorter silence is a hush: a broker may need as long to change over.
const LEAST_S: u32 = 30;
/// What was sent in a pause this long may be lost, though nobody would call it a hush yet.
const PAUSE_S: u32 = 10;
/// A hush is this many times as long as any pause before, and we have listened this many times as long as that.
const TIMES: u32 = 3;
const LISTENED_TIMES: u32 = 4;
/// Messages that make pauses worth comparing.
const MESSAGES: u32 = 100;

/// The pauses of the whole fleet while we listen without a break.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hush {
    /// Since when we listen, the last message, and the longest pause, in seconds.
    since: u32,
    last: u32,
    longest: u32,
    messages: u32,
    goes_on: bool,
}

impl Hush {
    /// A device is heard. Whether that ends a hush, or a pause in which messages were lost on the way.
    pub(super) fn hear(&mut self, second: u32) -> bool {
        let is_long = self.silent_s(second) >= PAUSE_S.max(TIMES * self.longest);
        let is_pause = is_long && self.is_known(LEAST_S.max(TIMES * self.longest));
        let ends = std::mem::take(&mut self.goes_on) || is_pause;
        if ends || self.messages == 0 {
            // How it was before says little of how it is from now on.
            *self = Self { since: second, last: second, ..Self::default() };
        }
        self.longest = self.longest.max(second.saturating_sub(self.last));
        self.last = self.last.max(second);
        self.messages = self.messages.saturating_add(1);
        ends
    }

    /// Nobody listened for a while.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Looks whether there is one by now.
    pub(super) fn look(&mut self, second: u32) -> bool {
        let least = LEAST_S.max(TIMES * self.longest);
        self.goes_on |= self.is_known(least) && self.silent_s(second) >= least;
        self.goes_on
    }

    /// Whether we have listened for long enough to know that nobody ever pauses for so many seconds.
    const fn is_known(&self, pause_s: u32) -> bool {
        self.messages >= MESSAGES && self.last - self.since >= LISTENED_TIMES * pause_s
    }

    /// Seconds since anybody was heard.
    const fn silent_s(&self, second: u32) -> u32 {
        second.saturating_sub(self.last)
    }

    /// How long it has lasted, and the longest pause before it, in seconds; none where there is none.
    pub(super) fn lasts(&self, second: u32) -> Option<(u32, u32)> {
        self.goes_on.then(|| (self.silent_s(second), self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second in which a hush is seen, of devices that are heard in these seconds; looked at every second until 2000.
    fn seen(heard: impl Fn(u32) -> bool) -> Option<u32> {
        let mut hush = Hush::default();
        (0..2_000).find(|second| {
            if heard(*second) {
                hush.hear(*second);
            }
            hush.look(*second)
        })
    }

    #[test]
    fn it_is_much_longer_than_any_pause_before() {
        assert_eq!(seen(|_| true), None);
        assert_eq!(seen(|s| s < 1_000), Some(999 + LEAST_S), "all the time, until they stop");
        assert_eq!(seen(|s| s < 1_000 && s % 5 == 0), Some(995 + LEAST_S));
        assert_eq!(seen(|s| s < 1_600 && s % 15 == 0), Some(1_590 + 45), "few devices pause for longer");
        assert_eq!(seen(|s| s % 300 < 20), None, "all of them every five minutes");
        assert_eq!(seen(|s| s < 100), None, "we have not listened for long enough");
        assert_eq!(seen(|s| s < 1_000 && s % 20 == 0), None, "fifty messages are few");
    }

    #[test]
    fn whoever_is_heard_ends_it() {
        let mut hush = Hush::default();
        (0..500).for_each(|second| assert!(!hush.hear(second)));
        assert!(hush.look(540));
        assert_eq!(hush.lasts(560), Some((61, 1)));
        assert!(hush.hear(600));
        assert_eq!((hush.look(601), hush.lasts(601)), (false, None));
        assert!(!hush.hear(602));
    }

    #[test]
    fn what_is_sent_in_a_pause_of_everybody_is_lost_on_the_way() {
        let ends = |pause: u32, every: usize| {
            let mut hush = Hush::default();
            (0..600).step_by(every).for_each(|second| assert!(!hush.hear(second)));
            hush.hear(600 - every as u32 + pause)
        };
        assert!(ends(12, 1) && ends(25, 5));
        assert!(!ends(9, 1), "as long as somebody may just be slow");
        assert!(!ends(12, 5), "few devices pause for longer");
    }
}
