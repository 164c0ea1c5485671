//! What is desired of devices in the simulated world: the broker keeps it, and a device takes it up once.

use std::collections::BTreeMap;

/// What is desired of one device.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub version: String,
    pub request_id: String,
    taken: bool,
}

/// What is desired of every device of which something is.
#[derive(Clone, Debug, Default)]
pub(super) struct Desired(BTreeMap<u32, Wish>);

impl Desired {
    /// Hears what is desired of a device now; whether there is something new for it to do.
    pub(super) fn hear(&mut self, device: u32, payload: &[u8]) -> bool {
        let Ok(told) = serde_json::from_slice::<serde_json::Value>(payload) else {
            // Taken back, or nothing that a device could read.
            self.0.remove(&device);
            return false;
        };
        let Some(version) = told["version"].as_str() else { return false };
        let request_id = told["request_id"].as_str().unwrap_or("").to_owned();
        // A broker that is connected anew says again what it has in store.
        if self.0.get(&device).is_some_and(|known| known.request_id == request_id && known.version == version) {
            return false;
        }
        self.0.insert(device, Wish { version: version.to_owned(), request_id, taken: false });
        true
    }

    /// Whether a device has something to do.
    pub(super) fn waits(&self, device: u32) -> bool {
        self.0.get(&device).is_some_and(|wish| !wish.taken)
    }

    /// What a device takes up now; it does so once.
    pub(super) fn take(&mut self, device: u32) -> Option<Wish> {
        let wish = self.0.get_mut(&device).filter(|wish| !wish.taken)?;
        wish.taken = true;
        Some(wish.clone())
    }
}
