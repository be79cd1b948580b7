//! Addresses as settings write them: a host and a port.

use std::net::{Ipv4Addr, Ipv6Addr};

use model::Checks;

/// The longest name of a host, and the longest part of one between dots.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Why a text is no `host:port`, in words behind `address is "…"; `; `least` is the least port.
fn fault(text: &str, example: &str, least: u16) -> Option<String> {
    let expected = format!("expected an address and a port, as in {example}");
    let Some((host, port)) = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()) else {
        return Some(expected);
    };
    if let Some(reason) = host_fault(host) {
        return Some(format!("{reason}, as in {example}"));
    }
    let number = port.parse::<u16>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()));
    match number {
        Some(number) if number >= least => None,
        _ => Some(format!("its port is \"{port}\"; expected a number from {least} to {}", u16::MAX)),
    }
}

/// Why a text is no host.
fn host_fault(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let is_one = inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
        return (!is_one).then(|| format!("\"{host}\" is no IPv6 address; expected one in brackets"));
    }
    if host.contains(':') {
        return Some(format!("\"{host}\" has a colon; expected brackets around an IPv6 address"));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or(name);
    // No name ends with a number: it is taken for an address, and by some for one of another machine.
    if last.bytes().all(|byte| byte.is_ascii_digit()) && !last.is_empty() {
        let is_one = host.parse::<Ipv4Addr>().is_ok();
        return (!is_one)
            .then(|| format!("\"{host}\" is no IPv4 address; expected four numbers from 0 to 255"));
    }
    let wrong = name.split('.').find(|label| !is_label(label));
    if let Some(label) = wrong {
        return Some(match label {
            "" => format!("\"{host}\" has a dot with nothing before it; expected the name of a host"),
            _ => format!(
                "\"{label}\" can be no part of a host's name; expected letters, digits and hyphens, at most {LONGEST_LABEL}"
            ),
        });
    }
    (name.len() > LONGEST)
        .then(|| format!("the host's name is longer than {LONGEST} characters; expected a shorter one"))
}

/// Whether a part of a name can be one. Underscores are no part of the standard, and of many networks.
fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !label.is_empty()
        && label.len() <= LONGEST_LABEL
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Reports what is wrong with an address to connect to.
pub(crate) fn check_address(setting: &str, address: &str, checks: &mut Checks) {
    report(setting, address, "lab.example:2575", 1, checks);
}

/// Reports what is wrong with an address to listen on; port 0 is any that is free.
pub(crate) fn check_listen(listen: &str, example: &str, checks: &mut Checks) {
    report("listen", listen, example, 0, checks);
}

fn report(setting: &str, text: &str, example: &str, least: u16, checks: &mut Checks) {
    if let Some(fault) = fault(text, example, least) {
        let name = setting.rsplit('.').next().unwrap_or(setting);
        checks.error(setting, format!("{name} is \"{text}\"; {fault}"));
    }
}

/// Why a text is no host of a url.
///
/// # Errors
/// What was found and what was wanted.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    host_fault(host).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known() {
        let long = format!("{}:1", "a".repeat(63));
        for good in [
            "127.0.0.1:2575",
            "0.0.0.0:1",
            "[::]:65535",
            "[fd00::1]:2575",
            "localhost:80",
            "lab.example:2575",
            "lab.example.:2575",
            "LAB_2-a:2575",
            "3com.example:1",
            "xn--lbor-qoa.example:443",
            &long,
        ] {
            assert_eq!(fault(good, "x:1", 1), None, "{good}");
        }
        assert_eq!(fault("127.0.0.1:0", "x:1", 0), None);
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (text, wanted) in [
            ("", "expected an address and a port, as in x:1"),
            ("2575", "expected an address and a port, as in x:1"),
            (":2575", "expected an address and a port, as in x:1"),
            (
                "256.1.1.1:2575",
                "\"256.1.1.1\" is no IPv4 address; expected four numbers from 0 to 255, as in x:1",
            ),
            ("10.1.1:2575", "\"10.1.1\" is no IPv4 address; expected four numbers from 0 to 255, as in x:1"),
            ("lab:99999", "its port is \"99999\"; expected a number from 1 to 65535"),
            ("lab:0", "its port is \"0\"; expected a number from 1 to 65535"),
            ("lab:+80", "its port is \"+80\"; expected a number from 1 to 65535"),
            ("lab:", "its port is \"\"; expected a number from 1 to 65535"),
            (
                "lab..example:1",
                "\"lab..example\" has a dot with nothing before it; expected the name of a host, as in x:1",
            ),
            (
                "la b:1",
                "\"la b\" can be no part of a host's name; expected letters, digits and hyphens, at most 63, as in x:1",
            ),
            (
                "http://lab:1",
                "\"http://lab\" has a colon; expected brackets around an IPv6 address, as in x:1",
            ),
            ("fd00::1:2575", "\"fd00::1\" has a colon; expected brackets around an IPv6 address, as in x:1"),
            ("[fd00::x]:1", "\"[fd00::x]\" is no IPv6 address; expected one in brackets, as in x:1"),
        ] {
            assert_eq!(fault(text, "x:1", 1).as_deref(), Some(wanted), "{text}");
        }
    }
}
