//! Probes: what was asked of the platform, and what that does to the verdict.

use super::*;
use crate::domain::probe::{Points, Reach, Step};
use crate::domain::verdict::{Origin, Verdict};

fn reach(connection: Step) -> Input {
    Input::Probed(Reach { host: "b".into(), name: Step::Done { ms: 1 }, connection, tls: None })
}

fn failed(by_broker: bool) -> Input {
    reach(Step::Failed { reason: "it fails".into(), by_broker })
}

/// The verdict on devices of one firmware that went away, when the way to the broker was tried with these outcomes, each so
/// many seconds after the one before.
fn verdict(tries: Vec<(i64, Input)>) -> Verdict {
    let mut bench = Bench::new();
    bench.wait(600);
    raise(&mut bench, Signal::Online, CohortKey::of("firmware", "3.2.5"));
    for (after_s, tried) in tries {
        bench.wait(after_s);
        bench.input(tried);
    }
    let alert = *bench.state.room.alerts.keys().next().unwrap();
    bench.ask(Command::Declare(Declare { alert: Some(alert), ..Declare::default() })).unwrap();
    bench.wait(6);
    Snapshot::of(&bench.state, bench.now).verdicts.into_values().next().unwrap()
}

#[test]
fn a_broker_that_fails_whoever_asks_is_the_platforms_and_our_own_network_is_nobodys() {
    let well = || reach(Step::Done { ms: 9 });
    // (tries, whose fault, what the way to the broker speaks for)
    let cases = [
        (vec![], Origin::Device, Points::Unknown),
        (vec![(1, well())], Origin::Device, Points::Neither),
        (vec![(1, failed(false))], Origin::Device, Points::Unknown),
        (vec![(1, failed(true))], Origin::Platform, Points::Platform),
        // It is well again, and was not when it began.
        (vec![(1, failed(true)), (200, well())], Origin::Platform, Points::Platform),
        // Much later it is another story.
        (vec![(1, well()), (900, failed(true)), (20, well())], Origin::Device, Points::Neither),
    ];
    for (n, (tries, origin, points)) in cases.into_iter().enumerate() {
        let verdict = verdict(tries);
        assert_eq!((verdict.origin, verdict.probes[1].points), (origin, points), "case {n}: {verdict:#?}");
        assert_eq!(verdict.probes.len(), 5);
        assert!(verdict.probes.iter().all(|probe| !probe.words.is_empty()));
    }
}

#[test]
fn what_is_known_of_the_platform_is_known_before_anything_is_declared() {
    let mut bench = Bench::new();
    bench.input(failed(true));
    let probes = Snapshot::of(&bench.state, bench.now).probes;
    let points: Vec<_> = probes.iter().map(|probe| probe.points).collect();
    use Points::{Neither, Platform, Unknown};
    assert_eq!(points, [Neither, Platform, Unknown, Unknown, Unknown]);
}
