//! Writes the standard format: what a simulated fleet sends, and what decoders are tested against.

use serde_json::json;

use crate::domain::campaign::{CampaignState, OtaState};
use crate::domain::observation::WavePlan;
use crate::domain::time::At;

/// A message to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retain: bool,
}

impl Outgoing {
    fn json(topic: String, retain: bool, payload: &serde_json::Value) -> Self {
        Self { topic, payload: payload.to_string().into_bytes(), retain }
    }

    /// The same message with one more field.
    #[must_use]
    pub fn with(self, field: &str, value: &str) -> Self {
        let Ok(mut payload) = serde_json::from_slice::<serde_json::Value>(&self.payload) else { return self };
        payload[field] = json!(value);
        Self { payload: payload.to_string().into_bytes(), ..self }
    }
}

/// What a device measures.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub seq: u32,
    /// 0..=1
    pub battery: f64,
    /// dBm
    pub rssi: i32,
    pub errors: u32,
    /// Messages waiting in it.
    pub queue: u32,
    pub uptime_s: i64,
    pub temp_c: f64,
    /// Seconds that its last position took.
    pub fix_s: f64,
}

/// A device's address.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    pub root: &'a str,
    pub site: &'a str,
    pub device: &'a str,
}

impl Address<'_> {
    fn topic(&self, leaf: &str) -> String {
        format!("{}/{}/{}/{leaf}", self.root, self.site, self.device)
    }

    /// The retained status of a device that is online, with its attributes.
    pub fn online(&self, at: At, attributes: &[(&str, &str)], boots: u32, boot_reason: &str) -> Outgoing {
        let mut status = json!({ "online": true, "ts": at, "boots": boots, "boot_reason": boot_reason });
        for (name, value) in attributes {
            status[*name] = json!(value);
        }
        Outgoing::json(self.topic("status"), true, &status)
    }

    /// The retained status of a device that is gone, as a last will has it.
    pub fn offline(&self) -> Outgoing {
        Outgoing::json(self.topic("status"), true, &json!({ "online": false }))
    }

    pub fn telemetry(&self, at: At, reading: Reading) -> Outgoing {
        let round = |n: f64, steps: f64| (n * steps).round() / steps;
        let telemetry = json!({
            "ts": at, "seq": reading.seq, "battery": round(reading.battery, 1000.0), "rssi": reading.rssi,
            "errors": reading.errors, "queue": reading.queue, "uptime_s": reading.uptime_s,
            "values": { "temp_c": round(reading.temp_c, 100.0), "fix_s": round(reading.fix_s, 10.0) },
        });
        Outgoing::json(self.topic("telemetry"), false, &telemetry)
    }

    pub fn event(&self, at: At, kind: &str, code: &str, message: &str) -> Outgoing {
        let event = json!({ "ts": at, "kind": kind, "code": code, "message": message });
        Outgoing::json(self.topic("event"), false, &event)
    }

    pub fn ota(&self, at: At, campaign: &str, wave: u16, state: OtaState, from: &str, to: &str) -> Outgoing {
        let ota = json!({
            "ts": at, "campaign": campaign, "wave": wave, "state": state.name(), "from": from, "to": to,
        });
        Outgoing::json(self.topic("ota"), false, &ota)
    }

    /// What a device says when it was given a configuration: what it has now, and why that is not what was asked for.
    pub fn config_reported(&self, version: &str, request_id: &str, error: Option<&str>) -> Outgoing {
        let mut reported = json!({ "version": version, "request_id": request_id });
        if let Some(error) = error {
            reported["error"] = json!(error);
        }
        Outgoing::json(self.topic("config/reported"), false, &reported)
    }
}

/// The access control's answer to what was asked of it for a device. A yes is the absence of an error.
pub fn access_response(root: &str, device: &str, action: &str, request_id: &str, error: Option<&str>) -> Outgoing {
    let mut answer = json!({ "action": action, "request_id": request_id });
    if let Some(error) = error {
        answer["error"] = json!(error);
    }
    Outgoing::json(format!("{root}/access/{device}/response"), false, &answer)
}

/// The broker's word on a client that it did not let in.
pub fn access_refused(root: &str, device: &str, at: At, reason: &str) -> Outgoing {
    Outgoing::json(format!("{root}/access/{device}/refused"), false, &json!({ "ts": at, "reason": reason }))
}

/// The retained word of a campaign's controller.
pub fn campaign_state(
    root: &str,
    campaign: &str,
    state: CampaignState,
    wave: Option<u16>,
    target: &str,
    waves: &[WavePlan],
    request_id: Option<&str>,
) -> Outgoing {
    let waves: Vec<_> = waves
        .iter()
        .map(|w| json!({ "wave": w.wave, "planned": w.planned, "done": w.done, "failed": w.failed }))
        .collect();
    let mut word = json!({ "state": state.name(), "target": target, "waves": waves });
    if let Some(wave) = wave {
        word["wave"] = json!(wave);
    }
    if let Some(request_id) = request_id {
        word["request_id"] = json!(request_id);
    }
    Outgoing::json(format!("{root}/ota/{campaign}/state"), true, &word)
}
