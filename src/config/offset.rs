//! How far clocks are ahead of UTC, as the configuration has it: in hours.

use serde::Deserialize;

/// There are zones at half and at three quarters of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Offset {
    pub seconds: i32,
}

impl TryFrom<f64> for Offset {
    type Error = String;

    fn try_from(hours: f64) -> Result<Self, String> {
        let quarters = 4.0 * hours;
        if quarters.fract() != 0.0 || !(-48.0..=56.0).contains(&quarters) {
            return Err(format!("{hours} h is no time zone; expected -12 to 14, in quarters of an hour"));
        }
        Ok(Self { seconds: quarters as i32 * 900 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_from_hours_whole_or_not() {
        #[derive(Debug, Deserialize)]
        struct Clock {
            ahead: Offset,
        }
        for (hours, seconds) in [("1", Some(3_600)), ("5.75", Some(20_700)), ("-9.5", Some(-34_200)), ("0", Some(0))] {
            let read: Clock = toml::from_str(&format!("ahead = {hours}\n")).unwrap();
            assert_eq!(Some(read.ahead.seconds), seconds, "{hours}");
        }
        for hours in ["15", "-13", "5.3", "nan", "\"1\""] {
            assert!(toml::from_str::<Clock>(&format!("ahead = {hours}\n")).is_err(), "{hours}");
        }
    }
}
