//! Lines of a text whose line ends may be CR, LF, CR LF, or a mixture.

/// The first line, without its end.
pub(crate) fn first(text: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'\r', b'\n', text).unwrap_or(text.len());
    &text[..end]
}

/// What may stand before a segment in its line without being part of it.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The places of all lines that hold more than blanks, without their ends and their indentation.
pub(crate) fn all(text: &[u8], mut found: impl FnMut(usize, usize)) {
    let mut start = 0;
    let mut take = |start: usize, end: usize| {
        let indent = text[start..end].iter().take_while(|byte| is_blank(**byte)).count();
        if start + indent < end {
            found(start + indent, end);
        }
    };
    for end in memchr::memchr2_iter(b'\r', b'\n', text) {
        take(start, end);
        start = end + 1;
    }
    take(start, text.len());
}
