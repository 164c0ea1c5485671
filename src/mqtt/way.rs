//! Tries the way to a broker, step by step, beside the link: nothing is said on it, and it is let go at once.

use std::time::Instant;

use super::dial::{self, Failure, Tls};

/// How a step went: milliseconds, or why it failed.
pub type Tried = Result<u32, Failure>;

/// The steps as far as they were tried: the first that fails is the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub name: Option<Tried>,
    pub connection: Option<Tried>,
    /// Only where TLS is spoken.
    pub tls: Option<Tried>,
}

/// Tries the name, a connection and TLS.
pub async fn go(host: &str, port: u16, tls: Option<&Tls>) -> Way {
    let mut way = Way::default();
    let began = Instant::now();
    let found = dial::look_up(host, port).await;
    let addresses = found.as_ref().cloned().unwrap_or_default();
    way.name = Some(timed(began, found));
    if addresses.is_empty() {
        return way;
    }
    let began = Instant::now();
    let connected = dial::connect(host, port, &addresses).await;
    let (stream, tried) = match connected {
        Ok(stream) => (Some(stream), timed(began, Ok(()))),
        Err(failure) => (None, Err(failure)),
    };
    way.connection = Some(tried);
    if let Some((stream, tls)) = stream.zip(tls) {
        let began = Instant::now();
        way.tls = Some(timed(began, dial::shake_hands(host, stream, tls).await));
    }
    way
}

fn timed<T>(began: Instant, outcome: Result<T, Failure>) -> Tried {
    outcome.map(|_| began.elapsed().as_millis().min(u32::MAX.into()) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_step_is_tried_as_far_as_the_one_before_it_leads() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let well = go("127.0.0.1", port, None).await;
        assert!(matches!((&well.name, &well.connection, &well.tls), (Some(Ok(_)), Some(Ok(_)), None)), "{well:?}");
        // Whoever answers there does not speak TLS, and hangs up.
        let answer = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream)
            }
        });
        let unlike = go("127.0.0.1", port, Some(&Tls::default())).await;
        assert!(matches!(&unlike.tls, Some(Err(failure)) if !failure.by_broker), "{unlike:?}");
        answer.abort();
        // The port is free again, and nobody is there.
        let _ = answer.await;
        let refused = go("127.0.0.1", port, None).await;
        let Some(Err(failure)) = refused.connection else { panic!("{refused:?}") };
        assert_eq!(failure, Failure { reason: format!("nothing listens on 127.0.0.1:{port}"), by_broker: true });
    }
}
