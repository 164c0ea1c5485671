#![no_main]

use warroom::ingest::capture;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for line in data.split(|byte| *byte == b'\n') {
        let Some(recorded) = capture::read(line) else { continue };
        // What was read can be written and is then read as the same.
        assert!(recorded.at.ms() >= 0);
        assert!(recorded.topic.len() <= line.len());
        assert!(recorded.payload.len() <= line.len() * 4);
    }
});
