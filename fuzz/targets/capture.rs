#![no_main]

use warroom::ingest::capture::{self, Entry};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for line in data.split(|byte| *byte == b'\n') {
        let Some(entry) = capture::read(line) else { continue };
        assert!(entry.at().ms() >= 0);
        if let Entry::Message(recorded) = entry {
            assert!(recorded.topic.len() <= line.len());
            assert!(recorded.payload.len() <= line.len());
        }
    }
});
