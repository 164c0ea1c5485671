//! What simulated devices report, well or not.

use super::{Plan, World};
use crate::domain::time::At;
use crate::drill::scenario::Effect;
use crate::ingest::encode::{Outgoing, Reading};

/// A slow device needs so many times as long for a position.
const SLOWER: f64 = 5.0;
/// Messages that a flooding device sends for one.
const FLOOD: u32 = 20;
/// A draining battery loses this share of its charge in a second.
const DRAIN: f64 = 0.01 / 120.0;
/// A drifting sensor moves by so many degrees in a second.
const DRIFT_C: f64 = 0.05;
/// Seconds by which a clock is ahead, and by which a message comes late.
const AHEAD_S: i64 = 5 * 3_600;
const LATE_S: i64 = 2 * 3_600;

impl World {
    /// A device's next report.
    pub(super) fn telemetry(&mut self, device: u32, at: At) {
        let period_s = *self.scenario.fleet.telemetry_s.get_ref();
        self.plan(at.plus_s(period_s.into()), Plan::Telemetry(device));
        let errors_per_message = self.scenario.fleet.errors_per_hour * f64::from(period_s) / 3600.0 * self.busyness(at);
        let errs = self.random.f64() < errors_per_message;
        let drift = self.random.f64() * 1e-6 * f64::from(period_s);
        let warmth = self.random.f64();
        if !self.devices[device as usize].online || self.suffering(device, Effect::Silent, at).is_some() {
            return;
        }
        let drain = self.suffering(device, Effect::BatteryDrain, at).map_or(0.0, |_| DRAIN * f64::from(period_s));
        let state = &mut self.devices[device as usize];
        state.battery = (state.battery - drift - drain).max(0.05);
        state.errors += u32::from(errs);
        let drifts = self.suffering(device, Effect::DriftingValues, at).map(|fault| fault.most_c.unwrap_or(f64::MAX));
        let warm = self.scenario.fleet.values.temp_c;
        let stuck = self.suffering(device, Effect::StuckValues, at).is_some();
        let backlog = self.suffering(device, Effect::Backlog, at).is_some();
        let state = &mut self.devices[device as usize];
        state.drift_c = drifts.map_or(0.0, |most| (state.drift_c + DRIFT_C * f64::from(period_s)).min(most));
        if !stuck {
            state.temp_c = warm.0 + (warm.1 - warm.0) * warmth + state.drift_c;
        }
        state.queue = if backlog { state.queue + 7 } else { 0 };
        let copies = if self.suffering(device, Effect::Flood, at).is_some() { FLOOD } else { 1 };
        let late = u32::from(self.suffering(device, Effect::RepublishBacklog, at).is_some());
        let through = self.let_through(device, copies + late);
        for _ in 0..through.min(copies) {
            self.report_reading(device, at, at);
        }
        if late > 0 && through > copies {
            self.report_reading(device, at, at.plus_s(-LATE_S));
        }
        if errs {
            self.report_event(device, at, "error", "0x11", "sensor read retried");
        }
    }

    /// One telemetry message, with what faults make of it. `stamp` is the device's own time.
    fn report_reading(&mut self, device: u32, at: At, stamp: At) {
        let has = |effect: Effect| self.suffering(device, effect, at).is_some();
        let (unit, range, slow) = (has(Effect::UnitError), has(Effect::OutOfRange), has(Effect::SlowFix));
        let (wrong, missing, swapped) = (has(Effect::WrongFormat), has(Effect::MissingField), has(Effect::OutOfOrder));
        let (skewed, spoofed) = (has(Effect::ClockSkew), has(Effect::SpoofedIdentity));
        let rssi = self.random.i32(-88..-52);
        let (quick, long) = self.scenario.fleet.values.fix_s;
        let fix_s = quick + (long - quick) * self.random.f64();
        let stamp = if skewed { stamp.plus_s(AHEAD_S) } else { stamp };
        let state = &mut self.devices[device as usize];
        // Two steps forward and one back.
        let seq = if swapped && state.seq.is_multiple_of(2) { state.seq.saturating_sub(1) } else { state.seq + 1 };
        state.seq += 1;
        self.say(device, at, |address, state| {
            let celsius = if range { -400.0 } else { state.temp_c };
            let reading = Reading {
                seq,
                battery: state.battery,
                rssi,
                errors: state.errors,
                queue: state.queue,
                uptime_s: at.since_s(state.booted),
                temp_c: if unit { celsius * 1.8 + 32.0 } else { celsius },
                fix_s: if slow { SLOWER * fix_s } else { fix_s },
            };
            let message = address.telemetry(stamp, reading);
            if wrong { garble(message) } else { message }
        });
        if (missing || spoofed)
            && self.has_broker(at)
            && let Some(last) = self.out.last_mut()
        {
            last.message = if missing { without_values(&last.message) } else { in_another_name(&last.message) };
        }
    }
}

/// The same message, cut in its middle.
fn garble(message: Outgoing) -> Outgoing {
    let half = message.payload.len() / 2;
    Outgoing { payload: message.payload[..half].to_vec(), ..message }
}

fn without_values(message: &Outgoing) -> Outgoing {
    edited(message, |fields| {
        fields.remove("values");
    })
}

fn in_another_name(message: &Outgoing) -> Outgoing {
    edited(message, |fields| {
        fields.insert("device_id".into(), "somebody-else".into());
    })
}

fn edited(message: &Outgoing, edit: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) -> Outgoing {
    let mut message = message.clone();
    if let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&message.payload) {
        edit(&mut fields);
        message.payload = serde_json::Value::Object(fields).to_string().into_bytes();
    }
    message
}
