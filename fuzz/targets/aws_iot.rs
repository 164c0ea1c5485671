#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| warroom_fuzz::preset(
    "aws-iot",
    &["$aws/events/presence/", "$aws/events/"],
    data
));
