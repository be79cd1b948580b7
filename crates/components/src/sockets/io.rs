//! The stream below one WebSocket: reads go to the wire, writes go to the socket's outbox.
//!
//! Whatever the protocol library writes by itself (pongs, goodbyes) thereby queues up behind what is
//! being broadcast, and never lands in the middle of a frame.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use model::HostContext;
use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::socket::Socket;

/// A connection after its handshake.
pub(crate) enum Wire {
    /// Written to by anybody who has a frame.
    Plain(Arc<TcpStream>),
    /// Written to by the connection's task alone.
    Tls(Box<TlsStream<TcpStream>>),
    /// No connection at all, for a rehearsal.
    Memory(DuplexStream),
}

impl Wire {
    /// The stream that others may write to.
    pub(crate) fn direct(&self) -> Option<Arc<TcpStream>> {
        match self {
            Wire::Plain(stream) => Some(stream.clone()),
            Wire::Tls(_) | Wire::Memory(_) => None,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => return Pin::new(stream.as_mut()).poll_read(cx, buf),
            Wire::Memory(stream) => return Pin::new(stream).poll_read(cx, buf),
        };
        loop {
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_drain(&mut self, socket: &Socket, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Wire::Plain(stream) => loop {
                match socket.outbox().write_with(|slices| stream.try_write_vectored(slices)) {
                    Ok(()) => return Poll::Ready(Ok(())),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
                ready!(stream.poll_write_ready(cx))?;
            },
            Wire::Tls(stream) => poll_drain_alone(stream.as_mut(), socket, cx),
            Wire::Memory(stream) => poll_drain_alone(stream, socket, cx),
        }
    }

    /// Says to the kernel that nothing more is written.
    fn finish(&self) -> io::Result<()> {
        let stream = match self {
            Wire::Plain(stream) => stream.as_fd(),
            Wire::Tls(stream) => stream.get_ref().0.as_fd(),
            // Its end is when it is dropped.
            Wire::Memory(_) => return Ok(()),
        };
        Ok(shutdown(stream, Shutdown::Write)?)
    }
}

/// Drains the outbox into a stream that nobody else writes to.
fn poll_drain_alone<S: AsyncWrite + Unpin>(
    stream: &mut S,
    socket: &Socket,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut stream = Pin::new(stream);
    let drained =
        socket.outbox().write_with(|slices| match stream.as_mut().poll_write_vectored(cx, slices) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        });
    match drained {
        Ok(()) => stream.poll_flush(cx),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        Err(error) => Poll::Ready(Err(error)),
    }
}

/// What the protocol library is given as its stream.
pub(crate) struct SharedIo {
    wire: Wire,
    socket: Arc<Socket>,
    host: HostContext,
}

impl SharedIo {
    pub(crate) fn new(wire: Wire, socket: Arc<Socket>, host: HostContext) -> Self {
        SharedIo { wire, socket, host }
    }

    /// Writes what waits in the outbox; ready when nothing does.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.poll_drain(&self.socket, cx)
    }

    /// Tells the other side that nothing more comes.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Wire::Tls(stream) = &mut self.wire {
            // A close_notify as far as the wire takes it; the end of the stream says the rest.
            let _said = Pin::new(stream.as_mut()).poll_shutdown(cx);
        }
        self.wire.finish()
    }
}

impl AsyncRead for SharedIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().wire.poll_read(cx, buf)
    }
}

impl AsyncWrite for SharedIo {
    /// Always takes all of it, so always whole frames. The connection stops reading while too many
    /// of these wait, which is what bounds them.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.push(Bytes::copy_from_slice(buf), self.host.clock().now());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
