#![no_main]

use warroom::ingest::preset;
use warroom::ingest::route::{Format, MessageKind, Route, Router};

// The pattern of a route, and on the next line a topic that is sent to it; then each preset with the pattern as its topic.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (pattern, topic) = text.split_once('\n').unwrap_or((text, ""));
    for word in MessageKind::WORDS {
        let kind = MessageKind::parse(word).expect("the word is known");
        let Ok(route) = Route::parse(pattern, kind, Format::Standard) else { continue };
        let filter = route.filter();
        assert_eq!(filter.split('/').count(), pattern.split('/').count());
        assert!(!filter.contains(['{', '}', '#']));
        let message = format!("{topic}\n{{}}");
        warroom_fuzz::messages(Router::new(vec![route], Vec::new()), &[""], message.as_bytes());
    }
    for name in preset::names() {
        if let Ok(router) = preset::router(name, Some(pattern)) {
            assert!(!router.subscriptions().is_empty());
            warroom_fuzz::messages(router, &[""], format!("{topic}\n{{}}").as_bytes());
        }
    }
});
