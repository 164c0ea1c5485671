//! Settings that fit no device: most often a slip of the pen, that nobody notices until the night it was written for.

use super::Fleet;
use crate::domain::text::visible;

/// Seconds after which most fleets have shown every kind of device that they have.
const SHOWN_AFTER_S: u32 = 600;

impl Fleet {
    /// The settings that fit no device so far, a sentence each.
    pub fn unfit(&self) -> Vec<String> {
        if self.now_s() < SHOWN_AFTER_S || self.devices.is_empty() {
            return Vec::new();
        }
        let critical = self.settings.critical.iter().map(|critical| ("[[fleet.critical]]", &critical.cohort));
        let maintenance = self.settings.maintenance.iter().map(|work| ("[[fleet.maintenance]]", &work.cohort));
        let nowhere = critical.chain(maintenance).filter(|(_, cohort)| self.values_of(cohort).is_none());
        let nowhere = nowhere.map(|(section, cohort)| (section, cohort.sentence()));
        let unmeasured = self.kpis.unmeasured().map(|name| ("[[fleet.kpi]]", name.to_owned()));
        let told = |(section, what): (&str, String)| format!("{section} fits no device so far: {}", visible(&what));
        nowhere.chain(unmeasured).map(told).collect()
    }
}
