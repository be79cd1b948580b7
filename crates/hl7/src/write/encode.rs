//! Text as bytes of a charset.

use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs::EncoderResult;

use crate::Charset;

impl Charset {
    /// The bytes of the text.
    ///
    /// # Errors
    /// The byte of the text at which a character stands that this charset does not have.
    pub fn encode(self, text: impl Into<ByteString>) -> Result<Bytes, usize> {
        let text: ByteString = text.into();
        match self {
            Charset::Utf8 => Ok(text.into_bytes()),
            // ISO-2022-JP has ASCII, too, but for the escape character and two more.
            _ if text.is_ascii()
                && !matches!(self, Charset::Other(encoding) if encoding == encoding_rs::ISO_2022_JP) =>
            {
                Ok(text.into_bytes())
            }
            Charset::Ascii => Err(text.bytes().position(|byte| !byte.is_ascii()).unwrap_or_default()),
            Charset::Latin1 => {
                let byte = |(at, char)| u8::try_from(char).map_err(|_| at);
                let bytes: Result<Vec<u8>, usize> = text.char_indices().map(byte).collect();
                bytes.map(Bytes::from)
            }
            Charset::Other(encoding) => other(encoding, &text, |_| false),
        }
    }

    /// The bytes of the text, with `?` for what this charset does not have.
    pub(crate) fn encode_lossy(self, text: String) -> Bytes {
        if self == Charset::Utf8 || text.is_ascii() {
            return text.into();
        }
        let whole: ByteString = text.into();
        if let Ok(bytes) = self.encode(whole.clone()) {
            return bytes;
        }
        match self {
            Charset::Other(encoding) => other(encoding, &whole, |into| {
                into.push(b'?');
                true
            })
            .unwrap_or_default(),
            Charset::Latin1 => whole.chars().map(|char| u8::try_from(char).unwrap_or(b'?')).collect(),
            _ => whole.chars().map(|char| if char.is_ascii() { char as u8 } else { b'?' }).collect(),
        }
    }
}

/// The bytes of the text; `missing` may put something in the place of what the charset does not have.
fn other(
    encoding: &'static encoding_rs::Encoding,
    text: &str,
    missing: impl Fn(&mut Vec<u8>) -> bool,
) -> Result<Bytes, usize> {
    let mut encoder = encoding.new_encoder();
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len() + 16);
    let mut read = 0;
    loop {
        let rest = &text[read..];
        let room = encoder.max_buffer_length_from_utf8_without_replacement(rest.len()).unwrap_or(rest.len());
        bytes.reserve(room);
        let (result, taken) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        read += taken;
        match result {
            EncoderResult::InputEmpty => return Ok(bytes.into()),
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(char) => {
                if !missing(&mut bytes) {
                    // The character counts as taken.
                    return Err(read - char.len_utf8());
                }
            }
        }
    }
}
