//! Values as HL7 writes them.

use std::borrow::Cow;

use hl7::{Separators, escape};

/// A text that was written with the usual separators, with those of the message.
pub(super) fn with_separators<'t>(text: &'t str, own: &Separators) -> Cow<'t, str> {
    let usual = Separators::default();
    let truncation = Separators { truncation: None, ..*own };
    if truncation == usual {
        return Cow::Borrowed(text);
    }
    let roles = [
        (usual.field, Some(own.field)),
        (usual.component, Some(own.component)),
        (b'~', own.repetition),
        (b'\\', own.escape),
        (b'&', own.subcomponent),
    ];
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match roles.iter().find(|(usual, _)| char == *usual as char) {
            Some((_, Some(own))) => out.push(*own as char),
            Some((_, None)) => out.push(char),
            None => out.push_str(&escape::encode(char.encode_utf8(&mut [0; 4]), own)),
        }
    }
    Cow::Owned(out)
}
