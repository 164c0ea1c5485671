//! Opens the way to a broker: name, TCP, TLS. Every failure is a sentence that tells these apart.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// For the name, the connection and the handshake, each.
const PATIENCE: Duration = Duration::from_secs(8);

/// How a link is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What this client shows: a chain and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// A stream to a broker.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: String,
    /// Whether the broker is at fault, and not the way to it.
    pub by_broker: bool,
}

impl Failure {
    fn ours(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), by_broker: false }
    }

    fn brokers(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), by_broker: true }
    }

    fn too_slow(what: &str) -> Self {
        Self::ours(format!("{what} took longer than {} s", PATIENCE.as_secs()))
    }
}

/// Dials a broker.
///
/// # Errors
/// A sentence that says which step failed, and why.
pub(super) async fn dial(host: &str, port: u16, tls: Option<&Tls>) -> Result<Stream, String> {
    let dialled = async {
        let addresses = look_up(host, port).await?;
        let stream = connect(host, port, &addresses).await?;
        // Small packets must not wait for each other; a keep-alive answer behind a delayed ack would look like silence.
        let _ = stream.set_nodelay(true);
        match tls {
            None => Ok(Stream::Plain(stream)),
            Some(tls) => shake_hands(host, stream, tls).await.map(|stream| Stream::Tls(Box::new(stream))),
        }
    };
    dialled.await.map_err(|failure: Failure| failure.reason)
}

/// The addresses of a name.
pub(super) async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_| Failure::too_slow(&format!("looking up {host}")))?;
    Ok(found.map_err(|error| Failure::ours(format!("{host} is not known by name ({error})")))?.collect())
}

/// A connection to the first of the addresses that takes one.
pub(super) async fn connect(host: &str, port: u16, addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut failure = Failure::ours(format!("{host} has no address"));
    for address in addresses {
        match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => failure = connect_failure(host, port, &error),
            Err(_) => failure = Failure::too_slow(&format!("connecting to {host}:{port}")),
        }
    }
    Err(failure)
}

/// TLS over a connection.
pub(super) async fn shake_hands(host: &str, stream: TcpStream, tls: &Tls) -> Result<TlsStream<TcpStream>, Failure> {
    let config = client_config(tls).map_err(Failure::ours)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::ours(format!("{host} is not a name that a certificate can have")))?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let connected = tokio::time::timeout(PATIENCE, handshake).await;
    connected.map_err(|_| Failure::too_slow("the TLS handshake"))?.map_err(|error| tls_failure(host, &error))
}

fn connect_failure(host: &str, port: u16, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::brokers(format!("nothing listens on {host}:{port}")),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Failure::ours(format!("no way to {host}: {error}"))
        }
        _ => Failure::ours(format!("connecting to {host}:{port} failed: {error}")),
    }
}

/// A certificate that has run out, or is another's, is so for everybody; one that is not trusted here may be ours to know.
fn tls_failure(host: &str, error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let by_broker = matches!(
        inner,
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }
        ))
    );
    Failure { reason: tls_words(host, error), by_broker }
}

fn tls_words(host: &str, error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {host} has expired")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the certificate is not for {host}")
            }
            CertificateError::UnknownIssuer => {
                format!("the certificate of {host} is from an issuer that is not trusted here; set `ca_file`")
            }
            CertificateError::Other(_) => format!("the certificate of {host} cannot be trusted: {error}"),
            other => format!("the certificate of {host} is not good: {other}"),
        },
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("{host} ended the TLS handshake ({alert:?}); does it ask for a client certificate?")
        }
        _ => format!("no TLS with {host}: {error}; is this its TLS port?"),
    }
}

/// An error of an open connection, in words. A broker that refuses our certificate says so only after the handshake.
pub(super) fn broken_words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the broker does not take our certificate ({alert:?}); see `client_cert` and `client_key`")
        }
        _ => format!("the connection broke: {error}"),
    }
}

fn client_config(tls: &Tls) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match &tls.ca_file {
        Some(path) => {
            let unreadable = |error| format!("the CA file {} cannot be read: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                let certificate = certificate.map_err(unreadable)?;
                roots
                    .add(certificate)
                    .map_err(|error| format!("a certificate in {} is not one: {error}", path.display()))?;
            }
            if roots.is_empty() {
                return Err(format!("the CA file {} holds no certificate", path.display()));
            }
        }
        // One bad certificate of the system must not keep the good ones from being used.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err("this system has no trusted certificates; set `ca_file`".into());
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let Some((chain, key)) = &tls.client else { return Ok(builder.with_no_client_auth()) };
    let unreadable =
        |path: &PathBuf, error: rustls::pki_types::pem::Error| format!("{} cannot be read: {error}", path.display());
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect).map_err(|error| unreadable(chain, error))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?;
    builder
        .with_client_auth_cert(certificates, key_der)
        .map_err(|error| format!("the client certificate and key do not fit: {error}"))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
