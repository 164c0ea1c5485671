#![no_main]

use warroom::fleet::attributes::Schema;
use warroom::ingest::decode::mapped::Mapping;
use warroom::ingest::route::{Format, MessageKind, Route, Router};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut mapping = Mapping::default();
    let fields = [
        ("battery", "bat.pct", 1.0),
        ("rssi", "radio.0.dbm", 1.0),
        ("seq", "n", 1.0),
        ("boots", "boots", 1.0),
        ("wave", "wave", 1.0),
        ("online", "state", 1.0),
        ("firmware", "sys.fw", 1.0),
        ("ts", "at", 1.0),
        ("values.volt", "bat.mv", 0.001),
        ("kind", "what", 1.0),
        ("code", "err", 1.0),
        ("campaign", "job", 1.0),
        ("state", "step", 1.0),
    ];
    for (field, path, scale) in fields {
        mapping.add(field, path, scale, &Schema::default()).expect("the field is known");
    }
    let mapping = mapping.with_words(vec!["up".into()], vec!["down".into()]);
    let kinds = [
        ("data", MessageKind::Telemetry),
        ("status", MessageKind::Status),
        ("event", MessageKind::Event),
        ("ota", MessageKind::Ota),
    ];
    let route = |(leaf, kind)| {
        let format = Format::Json(Box::new(mapping.clone()));
        Route::parse(&format!("plant/{{site}}/{{device}}/{leaf}"), kind, format).expect("the pattern is right")
    };
    warroom_fuzz::messages(Router::new(kinds.map(route).into(), Vec::new()), &["plant/"], data);
});
