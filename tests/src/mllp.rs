//! Both ends of MLLP as tests need them: a client, and a receiver that does as it is told.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::DEADLINE;

/// A message between the bytes of MLLP.
pub fn framed(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

/// A field of the first segment of that name; empty where there is none. MSH-1 is the separator.
pub fn field<'a>(message: &'a str, segment: &str, number: usize) -> &'a str {
    let line = message.split('\r').find(|line| line.starts_with(segment)).unwrap_or_default();
    let number = if segment == "MSH" { number - 1 } else { number };
    line.split('|').nth(number).unwrap_or_default()
}

/// The acknowledgement of a message.
pub fn acknowledgement(message: &str, code: &str, text: &str) -> String {
    let id = field(message, "MSH", 10);
    format!("MSH|^~\\&|LAB|SOUTH|ORRIS|NORTH|20260102030405||ACK|{id}|P|2.5\rMSA|{code}|{id}|{text}\r")
}

/// One end of a connection.
pub struct MllpClient {
    stream: TcpStream,
    come: Vec<u8>,
    /// How much of it holds no end of a frame.
    seen: usize,
}

impl MllpClient {
    /// Connects to a port of this machine.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(port: u16) -> io::Result<MllpClient> {
        MllpClient::of(TcpStream::connect(("127.0.0.1", port))?)
    }

    fn of(stream: TcpStream) -> io::Result<MllpClient> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(MllpClient { stream, come: Vec::new(), seen: 0 })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next frame without its marks; none when the other side has closed, or is gone.
    pub fn heard(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.come[self.seen..].windows(2).position(|two| two == b"\x1c\r") {
                let end = std::mem::take(&mut self.seen) + end;
                let frame: Vec<u8> = self.come.drain(..end + 2).collect();
                let begin = usize::from(frame[0] == 0x0b);
                return Some(String::from_utf8_lossy(&frame[begin..end]).into_owned());
            }
            self.seen = self.come.len().saturating_sub(1);
            if self.read().ok()? == 0 {
                return None;
            }
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut some = [0; 64 << 10];
        let count = self.stream.read(&mut some)?;
        self.come.extend_from_slice(&some[..count]);
        Ok(count)
    }

    /// Reads so many bytes at least, of which nothing is looked at.
    fn swallow(&mut self, count: usize) -> io::Result<()> {
        while self.come.len() < count && self.read()? > 0 {}
        Ok(())
    }

    /// Says that nothing more comes.
    pub fn finish(&self) {
        let _already_gone = self.stream.shutdown(Shutdown::Write);
    }
}

/// What a receiver does about the next message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// It answers AA.
    Accept,
    /// It answers this, without a frame around it.
    Say(Vec<u8>),
    /// It takes the message, and closes the connection without an answer.
    TakeAndClose,
    /// It takes the message, and closes in the midst of its answer.
    TakeAndCloseWithin,
    /// It takes the message, and says nothing for as long as the connection lasts.
    TakeAndKeepQuiet,
    /// It closes in the midst of the message.
    CloseWithin,
}

/// A message as a receiver got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// The number of the connection.
    pub connection: usize,
    /// MSH-10.
    pub control_id: String,
    /// Whether AA was answered, or at least begun to be.
    pub accepted: bool,
}

type Script = dyn Fn(usize, &str) -> Does + Send + Sync;

struct Inside {
    got: Mutex<Vec<Got>>,
    open: Mutex<BTreeMap<usize, TcpStream>>,
    closed: AtomicBool,
    script: Box<Script>,
}

impl Inside {
    fn got(&self) -> MutexGuard<'_, Vec<Got>> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<usize, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody to send to. Dropped, it is gone with all its connections.
pub struct MllpReceiver {
    address: SocketAddr,
    inside: Arc<Inside>,
    accepting: Option<JoinHandle<()>>,
}

impl MllpReceiver {
    /// One that accepts everything.
    pub fn start() -> MllpReceiver {
        MllpReceiver::scripted(|_, _| Does::Accept)
    }

    /// One that asks what to do about each message, by how many it got before and what it says.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub fn scripted(script: impl Fn(usize, &str) -> Does + Send + Sync + 'static) -> MllpReceiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let inside = Arc::new(Inside {
            got: Mutex::default(),
            open: Mutex::default(),
            closed: AtomicBool::new(false),
            script: Box::new(script),
        });
        let shared = inside.clone();
        let accepting = std::thread::spawn(move || accept(&listener, &shared));
        MllpReceiver { address, inside, accepting: Some(accepting) }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All that it has got, in order.
    pub fn got(&self) -> Vec<Got> {
        self.inside.got().clone()
    }

    /// How many messages it has got.
    pub fn count(&self) -> usize {
        self.inside.got().len()
    }

    /// Whether it has answered AA to that message.
    pub fn has_accepted(&self, control_id: &str) -> bool {
        self.inside.got().iter().rev().any(|got| got.accepted && got.control_id == control_id)
    }

    /// Closes all its connections, as if it had been killed and started again.
    pub fn cut(&self) {
        for stream in self.inside.open().values() {
            let _already_gone = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for MllpReceiver {
    fn drop(&mut self) {
        self.inside.closed.store(true, Ordering::SeqCst);
        let _wakes_it = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _already_panicked = accepting.join();
        }
        self.cut();
    }
}

fn accept(listener: &TcpListener, inside: &Arc<Inside>) {
    for (number, stream) in listener.incoming().enumerate() {
        if inside.closed.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(stream), inside) = (stream, inside.clone()) else { continue };
        let Ok(other) = stream.try_clone() else { continue };
        inside.open().insert(number, other);
        std::thread::spawn(move || {
            // Whoever ends in between has been cut off; the rest is the sender's affair.
            let _lost = serve(number, stream, &inside);
            inside.open().remove(&number);
        });
    }
}

fn serve(connection: usize, stream: TcpStream, inside: &Inside) -> io::Result<()> {
    let mut client = MllpClient::of(stream)?;
    client.stream.set_read_timeout(None)?;
    loop {
        if client.come.is_empty() && client.read()? == 0 {
            return Ok(());
        }
        let before = inside.got().len();
        let seen = String::from_utf8_lossy(&client.come).into_owned();
        let does = (inside.script)(before, &seen);
        if does == Does::CloseWithin {
            client.swallow(20)?;
            return client.stream.shutdown(Shutdown::Both);
        }
        let Some(message) = client.heard() else { return Ok(()) };
        let accepted = matches!(does, Does::Accept | Does::TakeAndCloseWithin);
        let control_id = field(&message, "MSH", 10).to_owned();
        // Before the answer: who has seen that one finds the message here.
        inside.got().push(Got { connection, control_id, accepted });
        let answer = framed(&acknowledgement(&message, "AA", ""));
        match does {
            Does::Accept => client.send(&answer)?,
            Does::Say(bytes) => client.send(&bytes)?,
            Does::TakeAndKeepQuiet => while client.read()? > 0 {},
            Does::TakeAndCloseWithin => {
                client.send(&answer[..answer.len() / 2])?;
                return client.stream.shutdown(Shutdown::Both);
            }
            Does::TakeAndClose | Does::CloseWithin => return client.stream.shutdown(Shutdown::Both),
        }
    }
}
