//! What went wrong with TLS, in the words of those who have set it up: what was found about a certificate,
//! and what to look at. Nothing but names out of certificates is said, which are public.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::tcp_dialer::words;

const DAY: u64 = 86_400;

/// Why a connection has no TLS on it.
pub(crate) fn why(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(fault)) => certificate(fault),
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "what came is no TLS; the other side seems to speak without".to_owned()
        }
        Some(Error::AlertReceived(AlertDescription::CertificateRequired)) => {
            "the other side wants a certificate; see certificate and key in the tls settings".to_owned()
        }
        Some(Error::NoCertificatesPresented) => "the other side showed no certificate".to_owned(),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the other side closed the connection before it was secured".to_owned()
        }
        _ => words(error),
    }
}

fn certificate(fault: &CertificateError) -> String {
    let what = match fault {
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / DAY;
            format!("has expired {days} days ago; expected a new one, or look at the clocks")
        }
        CertificateError::Expired => "has expired; expected a new one, or look at the clocks".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; look at the clocks".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "is not signed by anybody who is trusted; see ca in the tls settings".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = names(presented);
            format!("is for {names}; expected {}, see server_name", expected.to_str())
        }
        CertificateError::NotValidForName => "is for another name; see server_name".to_owned(),
        // It has no name of its own in rustls.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "is one to sign others with (CA:TRUE); expected one of a server, as openssl makes it with \
             -addext basicConstraints=CA:FALSE"
                .to_owned()
        }
        other => format!("is not accepted: {other}"),
    };
    format!("the certificate {what}")
}

/// The names of a certificate as rustls has them, such as `DnsName("lab.example")`, for people.
fn names(presented: &[String]) -> String {
    let names: Vec<_> = presented.iter().filter_map(|name| name.split('"').nth(1)).collect();
    if names.is_empty() { "no name of a server".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    fn said(error: impl Into<Error>) -> String {
        why(&io::Error::new(io::ErrorKind::InvalidData, error.into()))
    }

    #[test]
    fn faults_of_certificates_are_said_with_what_to_look_at() {
        let at = |days| UnixTime::since_unix_epoch(Duration::from_secs(days * DAY));
        let expired = CertificateError::ExpiredContext { time: at(105), not_after: at(100) };
        let named = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("lab.example").unwrap(),
            presented: vec!["DnsName(\"other.example\")".to_owned(), "Unsupported(0x01)".to_owned()],
        };
        let said = [expired, named, CertificateError::UnknownIssuer].map(said);
        assert!(said[0].starts_with("the certificate has expired 5 days ago"), "{}", said[0]);
        assert!(said[1].contains("is for other.example; expected lab.example"), "{}", said[1]);
        assert_eq!(names(&["Unsupported(0x01)".to_owned()]), "no name of a server");
        assert!(said[2].ends_with("see ca in the tls settings"), "{}", said[2]);
    }

    #[test]
    fn what_is_no_tls_and_who_hangs_up_is_said() {
        let plain = said(Error::InvalidMessage(InvalidMessage::InvalidContentType));
        assert!(plain.starts_with("what came is no TLS"), "{plain}");
        let gone = why(&io::ErrorKind::UnexpectedEof.into());
        assert_eq!(gone, "the other side closed the connection before it was secured");
        assert_eq!(why(&io::Error::from_raw_os_error(104)), "connection reset");
    }
}
