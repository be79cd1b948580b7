//! What `orris check` finds in the files that settings of TLS name, where it may look at them.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::{Checks, Look, Machine, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::tls::Tls;
use super::tls_client::TlsClient;

/// A certificate that ends within this time is warned of.
const SOON_MS: i64 = 30 * 24 * 3_600 * 1_000;

/// Looks into the files of one who listens.
pub(crate) fn check_server(tls: &Tls, path: &str, checks: &mut Checks) {
    check_identity(&tls.certificate, &tls.key, path, checks);
    if let Some(file) = &tls.client_ca {
        certificates(file, &format!("{path}.client_ca"), checks);
    }
}

/// Looks into the files of one who connects.
pub(crate) fn check_client(tls: &TlsClient, path: &str, checks: &mut Checks) {
    if let Some(file) = &tls.ca {
        certificates(file, &format!("{path}.ca"), checks);
    }
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        check_identity(certificate, key, path, checks);
    }
}

/// A certificate with its key.
fn check_identity(certificate: &str, key: &str, path: &str, checks: &mut Checks) {
    let key_path = format!("{path}.key");
    let chain = certificates(certificate, &format!("{path}.certificate"), checks);
    let Some((pem, _)) = bytes(key, &key_path, checks) else { return };
    let Ok(private) = PrivateKeyDer::from_pem_slice(&pem) else {
        checks.error(key_path, format!("\"{key}\" has no private key; expected PEM with one"));
        return;
    };
    let Some(chain) = chain else { return };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let Ok(builder) = builder.with_safe_default_protocol_versions() else { return };
    let error = builder.with_no_client_auth().with_single_cert(chain, private).err();
    match error {
        None => {}
        Some(rustls::Error::InconsistentKeys(_)) => {
            checks.error(
                key_path,
                format!("the key in \"{key}\" is not that of the certificate in \"{certificate}\""),
            );
        }
        Some(error) => {
            checks.error(key_path, format!("\"{certificate}\" and \"{key}\" cannot be used: {error}"))
        }
    }
}

/// The certificates of a file; none where there are none, which is said.
fn certificates(file: &str, path: &str, checks: &mut Checks) -> Option<Vec<CertificateDer<'static>>> {
    let (pem, now) = bytes(file, path, checks)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    let Some(found) = found else {
        checks.error(path, format!("\"{file}\" has no certificate; expected PEM with one"));
        return None;
    };
    // Of a bundle of authorities some are always old.
    if let [only] | [only, _] | [only, _, _] = found.as_slice()
        && let Some(end) = not_after(only)
    {
        let day = end.to_utc().chars().take(10).collect::<String>();
        if end <= now {
            checks.warning(
                path,
                format!("the certificate in \"{file}\" was valid until {day}; others refuse it"),
            );
            checks.help("put a new one in its place");
        } else if end.0 - now.0 < SOON_MS {
            checks
                .warning(path, format!("the certificate in \"{file}\" is valid until {day}, which is soon"));
        }
    }
    Some(found)
}

/// What is in a file, and what time it is; none where it cannot be looked at, which is said.
fn bytes(file: &str, path: &str, checks: &mut Checks) -> Option<(Vec<u8>, Timestamp)> {
    let machine = checks.library.get::<Machine>();
    let (look, now) = machine.look(file)?;
    match look {
        Look::Found(bytes) => return Some((bytes, now)),
        Look::Elsewhere => {
            checks.warning(path, format!("\"{file}\" is not looked into: its folder is not on this machine"));
            checks.help("check with --data-dir where it runs; relative paths lie in the data directory");
        }
        Look::Unreadable(reason) => {
            checks.error(path, format!("\"{file}\" cannot be read ({reason}); a tls file has to be there"));
            checks.help("relative paths lie in the data directory, see --data-dir");
        }
    }
    None
}

/// When a certificate ends (RFC 5280 §4.1.2.5); none where that cannot be read.
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xA0;
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if let Some((_, after)) = element(rest, VERSION) {
        rest = after;
    }
    // The serial number, the algorithm, and who signed it.
    for tag in [0x02, SEQUENCE, SEQUENCE] {
        rest = element(rest, tag)?.1;
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, end) = time(validity)?;
    let (text, _) = time(end)?;
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

/// A time with four digits of the year, and what follows it.
fn time(bytes: &[u8]) -> Option<(String, &[u8])> {
    const UTC: u8 = 0x17;
    const GENERALIZED: u8 = 0x18;
    if let Some((text, rest)) = element(bytes, UTC) {
        let text = std::str::from_utf8(text).ok()?;
        let century = if text < "50" { "20" } else { "19" };
        return Some((format!("{century}{text}"), rest));
    }
    let (text, rest) = element(bytes, GENERALIZED)?;
    Some((std::str::from_utf8(text).ok()?.to_owned(), rest))
}

/// What is in an element of DER with that tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) =
                rest.split_at_checked(usize::from(long & 0x7F)).filter(|(d, _)| d.len() <= 4)?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use model::{Library, NoteKind};
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate that ends on the first of that year, and its key.
    fn made(until: i32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(until, 1, 1));
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    /// What is said of `cert.pem` and `key.pem` with those contents, on 2026-12-10.
    fn said(files: &[(&str, &str)]) -> Vec<(NoteKind, String, String)> {
        let files: HashMap<String, String> =
            files.iter().map(|(name, text)| (format!("{name}.pem"), (*text).to_owned())).collect();
        let machine = Machine::new(Timestamp(1_796_860_800_000), move |name| match files.get(name) {
            Some(text) if text == "elsewhere" => Look::Elsewhere,
            Some(text) => Look::Found(text.as_bytes().to_vec()),
            None => Look::Unreadable("no such file".to_owned()),
        });
        let mut checks = Checks::beside(&Library::default().with(machine));
        let tls = Tls { certificate: "cert.pem".into(), key: "key.pem".into(), client_ca: None };
        check_server(&tls, "tls", &mut checks);
        checks.notes.into_iter().map(|note| (note.kind, note.path, note.message)).collect()
    }

    #[test]
    fn what_is_wrong_with_files_is_said_at_their_settings() {
        let ((cert, key), (_, other_key)) = (made(2099), made(2099));
        let (old, old_key) = made(2026);
        let (soon, soon_key) = made(2027);
        assert_eq!(said(&[("cert", &cert), ("key", &key)]), []);
        for (files, kind, path, wanted) in [
            (vec![("cert", &*cert)], NoteKind::Error, "tls.key", "cannot be read (no such file)"),
            (vec![("key", &*key)], NoteKind::Error, "tls.certificate", "cannot be read (no such file)"),
            (vec![("cert", "x"), ("key", &key)], NoteKind::Error, "tls.certificate", "has no certificate"),
            (vec![("cert", &cert), ("key", &cert)], NoteKind::Error, "tls.key", "has no private key"),
            (
                vec![("cert", &cert), ("key", &other_key)],
                NoteKind::Error,
                "tls.key",
                "is not that of the certificate",
            ),
            (
                vec![("cert", &old), ("key", &old_key)],
                NoteKind::Warning,
                "tls.certificate",
                "was valid until 2026-01-01;",
            ),
            (
                vec![("cert", &soon), ("key", &soon_key)],
                NoteKind::Warning,
                "tls.certificate",
                "is valid until 2027-01-01, which",
            ),
            (
                vec![("cert", "elsewhere"), ("key", &key)],
                NoteKind::Warning,
                "tls.certificate",
                "folder is not on this machine",
            ),
        ] {
            let said = said(&files);
            assert!(said.len() == 1 && said[0].0 == kind && said[0].1 == path, "{wanted}: {said:?}");
            assert!(said[0].2.contains(wanted), "{said:?}");
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_and_never_past_its_bytes() {
        for (year, millis) in [(2049, 2_493_072_000_000), (2050, 2_524_608_000_000)] {
            let (pem, _) = made(year);
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            assert_eq!(not_after(&der), Some(Timestamp(millis)));
            for length in 0..120 {
                assert_eq!(not_after(&der[..length]), None);
            }
        }
    }
}
