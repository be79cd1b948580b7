//! A server's WebSocket frames (RFC 6455 §5.2): unmasked, whole, without extensions.
//!
//! A text for many sockets is encoded once here; every socket is then handed the same bytes.

use bytes::{BufMut, Bytes, BytesMut};

/// FIN and opcode 1.
const TEXT: u8 = 0x81;

/// A ping without payload: FIN and opcode 9, length 0.
pub(crate) const PING: Bytes = Bytes::from_static(&[0x89, 0x00]);

/// One text message as one frame.
pub(crate) fn text(text: &str) -> Bytes {
    let length = text.len();
    let mut frame = BytesMut::with_capacity(length + 10);
    frame.put_u8(TEXT);
    match length {
        0..=125 => frame.put_u8(length as u8),
        126..=0xFFFF => {
            frame.put_u8(126);
            frame.put_u16(length as u16);
        }
        _ => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
    frame.put_slice(text.as_bytes());
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::FrameSocket;

    use super::*;

    #[test]
    fn every_length_is_read_back_by_another_codec() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
            let sent = "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
            let bytes = text(&sent);
            let mut socket = FrameSocket::new(std::io::Cursor::new(bytes.to_vec()));
            let frame = socket.read(None).unwrap().unwrap();
            assert!(frame.header().is_final && frame.header().mask.is_none(), "{length}");
            assert_eq!(frame.payload(), sent.as_bytes(), "{length}");
            assert!(socket.read(None).unwrap().is_none(), "{length}");
        }
    }
}
