//! Which version of HL7 a message is in, as far as an answer depends on it.

/// The numbers of MSH-12, as in 2, 5, 1; none if it says none.
pub(super) fn of(msh_12: &str, component: u8) -> Option<[u16; 3]> {
    let text = msh_12.split(component as char).next().unwrap_or_default().trim();
    let mut version = [0; 3];
    let mut count = 0;
    for (at, part) in text.split('.').enumerate() {
        *version.get_mut(at)? = part.parse().ok()?;
        count += 1;
    }
    (count > 1).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (text, expected) in [
            ("2.5.1", Some([2, 5, 1])),
            ("2.3", Some([2, 3, 0])),
            ("2.5^DEU^2.1", Some([2, 5, 0])),
            (" 2.8 ", Some([2, 8, 0])),
            ("", None),
            ("P", None),
            ("2", None),
            ("2.3.z", None),
            ("2.5.1.7", None),
        ] {
            assert_eq!(of(text, b'^'), expected, "{text}");
        }
    }
}
