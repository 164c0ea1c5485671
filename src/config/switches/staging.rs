//! `waves` and `soak_s` of a switch: few devices first.

use toml::Spanned;

use super::{Problem, SwitchSection};
use crate::domain::switch::plan::Takes;
use crate::domain::switch::waves::Waves;
use crate::limits;

/// Seconds that a wave soaks: less shows nothing, and more is nobody's patience.
const SOAK_S: std::ops::RangeInclusive<u32> = 10..=604_800;
const USUAL_SOAK_S: u32 = 600;

/// The waves that a switch goes out in, where it does: its own, or those of its preset.
/// `one_each` where it has one step, and that is taken for each device.
pub(super) fn waves(
    own: &SwitchSection,
    base: &SwitchSection,
    takes: Takes,
    one_each: bool,
) -> Result<Option<Waves>, Problem> {
    // A place in a preset is none in the file that is read.
    let own_place = own.preset.as_ref().or(own.id.as_ref()).map_or(0..0, Spanned::span);
    let place = |value: Option<std::ops::Range<usize>>| value.unwrap_or_else(|| own_place.clone());
    let soak_place = place(own.soak_s.as_ref().map(Spanned::span));
    let soak_s = own.soak_s.as_ref().or(base.soak_s.as_ref()).map(|soak_s| *soak_s.get_ref());
    let Some(percent) = own.waves.as_ref().or(base.waves.as_ref()) else {
        let needless = soak_s.map(|_| (soak_place, "`soak_s` is for switches with `waves = [1, 10, 100]`".into()));
        return needless.map_or(Ok(None), Err);
    };
    let at = place(own.waves.as_ref().map(Spanned::span));
    let percent = percent.get_ref().clone();
    let wrong = |message: &str| Err((at.clone(), message.to_owned()));
    if takes != Takes::Devices {
        return wrong("a campaign's own controller decides about its waves; `waves` is for switches that take devices");
    }
    if !one_each {
        return wrong("`waves` is for a switch of one step that is taken for each device");
    }
    let rises = percent.windows(2).all(|pair| pair[0] < pair[1]) && percent.first().is_some_and(|first| *first > 0.0);
    if !rises || percent.last() != Some(&100.0) {
        return wrong("the shares of waves rise to 100 percent, such as [1, 10, 100]");
    }
    if percent.len() > limits::WAVES {
        return wrong(&format!("more than {} waves are not made", limits::WAVES));
    }
    let soak_s = soak_s.unwrap_or(USUAL_SOAK_S);
    if !SOAK_S.contains(&soak_s) {
        let message = format!("a wave soaks for {} to {} seconds", SOAK_S.start(), SOAK_S.end());
        return Err((soak_place, message));
    }
    Ok(Some(Waves { percent, soak_s }))
}
