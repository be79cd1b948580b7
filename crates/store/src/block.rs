//! Bodies are kept in blocks of neighbours, compressed together.
//!
//! Neighbours of a feed resemble each other: together they come out several times smaller than
//! alone, and faster. A block is
//!
//! | part | what |
//! |---|---|
//! | 1 byte | version of this format, [`VERSION`] |
//! | varint | length of what follows, decompressed |
//! | zstd frame with checksum | varint count; per body varint id (after the one before), name length, content length; all names; all contents |
//!
//! It is stored in parts of an eighth of a page, since rows between half a page and a whole one leave
//! up to half the file empty: 32 messages of 1 KiB took 512 bytes each in one row, and 270 in parts.
//! The parts have the ids of the first bodies of their block, so they need no index of their own.

use std::ops::Range;

use model::{BodyId, MessageBody};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::StoreError;

const VERSION: u8 = 1;
/// At most this many bodies in one block, and no further one when it holds that many bytes.
const MOST_BODIES: usize = 64;
const ENOUGH_BYTES: usize = 256 << 10;
/// Groups of fewer bodies are small.
const SMALL_BODIES: usize = 16;
const LEVEL: i32 = 1;
/// An eighth of a page of 16 KiB, less what a row needs besides.
const PART: usize = 2_024;
/// What a block may claim to hold: SQLite could not have stored more.
const MOST_BYTES: usize = 1 << 30;

/// Makes blocks.
///
/// When little comes, groups are small, and a block for each would waste what blocks are for: a
/// message of 1 KiB alone took 640 bytes, among neighbours 260. So the bodies of small groups are
/// kept at hand, and when there are enough for a full block, it takes the place of their small ones.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    /// The bodies of the small blocks at the end of the ledger.
    small: Vec<(BodyId, MessageBody)>,
}

/// A group's blocks.
#[derive(Default)]
pub(crate) struct PackedGroup {
    /// Blocks from this id on are replaced by these.
    pub(crate) replaces: Option<u64>,
    pub(crate) blocks: Vec<Packed>,
}

/// A block as it is stored, under the id of its first body.
pub(crate) struct Packed {
    pub(crate) first: u64,
    bodies: usize,
    data: Vec<u8>,
}

impl Packed {
    /// The parts, in order; part `n` is stored under the id `first + n`. There are never more parts
    /// than bodies, so these ids are the block's own.
    pub(crate) fn parts(&self) -> std::slice::Chunks<'_, u8> {
        self.data.chunks(PART.max(self.data.len().div_ceil(self.bodies)))
    }
}

impl Packer {
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Packer { compressor, small: Vec::new() })
    }

    /// Packs the bodies of the next group, whose ids grow, into blocks.
    pub(crate) fn pack(&mut self, bodies: &[(BodyId, MessageBody)]) -> std::io::Result<PackedGroup> {
        if bodies.is_empty() {
            return Ok(PackedGroup::default());
        }
        let bytes = |bodies: &[(BodyId, MessageBody)]| -> usize {
            bodies.iter().map(|(_, body)| body.content().len()).sum()
        };
        if bodies.len() >= SMALL_BODIES || bytes(bodies) >= ENOUGH_BYTES {
            self.small.clear();
            return Ok(PackedGroup { replaces: None, blocks: self.pack_all(bodies)? });
        }
        self.small.extend_from_slice(bodies);
        if self.small.len() < MOST_BODIES && bytes(&self.small) < ENOUGH_BYTES {
            return Ok(PackedGroup { replaces: None, blocks: self.pack_all(bodies)? });
        }
        let small = std::mem::take(&mut self.small);
        let replaces = small.first().map(|(id, _)| id.0);
        Ok(PackedGroup { replaces, blocks: self.pack_all(&small)? })
    }

    fn pack_all(&mut self, bodies: &[(BodyId, MessageBody)]) -> std::io::Result<Vec<Packed>> {
        let mut blocks = Vec::new();
        let mut rest = bodies;
        while !rest.is_empty() {
            let (block, later) = rest.split_at(fitting(rest));
            let data = self.pack_one(block)?;
            blocks.push(Packed { first: block[0].0.0, bodies: block.len(), data });
            rest = later;
        }
        Ok(blocks)
    }

    fn pack_one(&mut self, bodies: &[(BodyId, MessageBody)]) -> std::io::Result<Vec<u8>> {
        let bytes: usize = bodies.iter().map(|(_, body)| body.content().len() + body.name().len() + 16).sum();
        let mut raw = Vec::with_capacity(bytes);
        put_varint(&mut raw, bodies.len() as u64);
        let mut previous = bodies[0].0.0;
        for (id, body) in bodies {
            put_varint(&mut raw, id.0 - previous);
            put_varint(&mut raw, body.name().len() as u64);
            put_varint(&mut raw, body.content().len() as u64);
            previous = id.0;
        }
        bodies.iter().for_each(|(_, body)| raw.extend_from_slice(body.name().as_bytes()));
        bodies.iter().for_each(|(_, body)| raw.extend_from_slice(body.content()));
        let mut data = vec![VERSION];
        put_varint(&mut data, raw.len() as u64);
        data.extend_from_slice(&self.compressor.compress(&raw)?);
        Ok(data)
    }
}

/// How many of these belong into the next block, one at least: a big one stays alone.
fn fitting(bodies: &[(BodyId, MessageBody)]) -> usize {
    let mut bytes = 0;
    for (count, (_, body)) in bodies.iter().enumerate() {
        bytes += body.content().len();
        if count == MOST_BODIES || (count > 0 && bytes > ENOUGH_BYTES) {
            return count;
        }
    }
    bodies.len()
}

/// A block as it was before it was packed.
pub(crate) struct Block {
    raw: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    id: u64,
    name: Range<usize>,
    content: Range<usize>,
}

impl Block {
    /// Reads the block of which `first` is the first body.
    pub(crate) fn read(first: u64, data: &[u8]) -> Result<Self, StoreError> {
        read(first, data).map_err(|reason| StoreError::Damaged { body: first, reason })
    }

    /// Name and content of a body of this block.
    pub(crate) fn get(&self, id: u64) -> Option<(&str, &[u8])> {
        let at = self.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        let entry = &self.entries[at];
        let name = std::str::from_utf8(&self.raw[entry.name.clone()]).unwrap_or_default();
        Some((name, &self.raw[entry.content.clone()]))
    }
}

fn read(first: u64, data: &[u8]) -> Result<Block, String> {
    let (&version, mut rest) = data.split_first().ok_or("its block is empty")?;
    if version != VERSION {
        return Err(format!("its block has format {version}, expected {VERSION}"));
    }
    let length = usize::try_from(take_varint(&mut rest)?).unwrap_or(usize::MAX);
    if length > MOST_BYTES {
        return Err(format!("its block claims {length} bytes, expected at most {MOST_BYTES}"));
    }
    let unpacked = Decompressor::new().and_then(|mut decompressor| decompressor.decompress(rest, length));
    let raw = unpacked.map_err(|error| format!("its block cannot be decompressed: {error}"))?;
    if raw.len() != length {
        return Err(format!("its block holds {} bytes, expected {length}", raw.len()));
    }
    let entries = read_entries(first, &raw)?;
    Ok(Block { raw, entries })
}

fn read_entries(first: u64, raw: &[u8]) -> Result<Vec<Entry>, String> {
    let mut rest = raw;
    let count = take_varint(&mut rest)?;
    let mut lengths = Vec::new();
    let mut id = first;
    for _ in 0..count {
        id += take_varint(&mut rest)?;
        lengths.push((id, take_varint(&mut rest)? as usize, take_varint(&mut rest)? as usize));
    }
    let mut name_at = raw.len() - rest.len();
    let mut content_at = name_at + lengths.iter().map(|(_, name, _)| name).sum::<usize>();
    let end = content_at + lengths.iter().map(|(_, _, content)| content).sum::<usize>();
    if end != raw.len() {
        return Err(format!("its block holds {} bytes, its list says {end}", raw.len()));
    }
    let mut entries = Vec::with_capacity(lengths.len());
    for (id, name, content) in lengths {
        entries.push(Entry { id, name: name_at..name_at + name, content: content_at..content_at + content });
        name_at += name;
        content_at += content;
    }
    Ok(entries)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(input: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or("its block ends early")?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("its block has a number that does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use model::BodyClass;

    use super::*;

    fn body(name: &str, content: Vec<u8>) -> MessageBody {
        MessageBody::described(BodyClass::BYTES, content, String::new(), String::new(), name.to_owned())
    }

    #[test]
    fn what_is_packed_is_read_back() {
        let sizes = [0, 1, 100, 1_000, ENOUGH_BYTES, 3 * ENOUGH_BYTES, 5, 0];
        let mut bodies: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(at, size)| (BodyId(7 + 3 * at as u64), body(&format!("n{at}"), vec![at as u8; *size])))
            .collect();
        bodies.extend((100..300).map(|id| (BodyId(id), body("", id.to_string().into_bytes()))));
        let blocks = Packer::new().and_then(|mut packer| packer.pack_all(&bodies)).unwrap();
        for (id, body) in &bodies {
            let packed = blocks.iter().rfind(|block| block.first <= id.0).unwrap();
            let block = Block::read(packed.first, &packed.data).unwrap();
            assert_eq!(block.get(id.0), Some((body.name(), &body.content()[..])), "body {id}");
        }
        assert!(blocks.len() < 12, "{} blocks", blocks.len());
        for (block, next) in blocks.iter().zip(&blocks[1..]) {
            assert!(block.first + block.parts().len() as u64 <= next.first, "parts overlap the next block");
            assert_eq!(block.parts().collect::<Vec<_>>().concat(), block.data);
        }
    }

    #[test]
    fn small_blocks_give_way_to_full_ones() {
        let mut packer = Packer::new().unwrap();
        let mut stored: Vec<Packed> = Vec::new();
        let mut all = Vec::new();
        for group in [1, 1, 3, 15, 15, 15, 15, 2, 16, 1, 100, 1, 1].into_iter().chain([1; 80]) {
            let first = all.len() as u64 + 1;
            let bodies: Vec<_> =
                (first..first + group).map(|id| (BodyId(id), body("", vec![id as u8; 20]))).collect();
            let packed = packer.pack(&bodies).unwrap();
            stored.retain(|block| packed.replaces.is_none_or(|from| block.first < from));
            stored.extend(packed.blocks);
            all.extend(bodies);
            for (id, body) in &all {
                let block = stored.iter().rfind(|block| block.first <= id.0).unwrap();
                let block = Block::read(block.first, &block.data).unwrap();
                assert_eq!(block.get(id.0), Some(("", &body.content()[..])), "body {id} after {}", all.len());
            }
        }
        assert!(stored.len() < 30, "{} blocks", stored.len());
    }

    #[test]
    fn damage_is_noticed_and_named() {
        let bodies = [(BodyId(4), body("a", b"Mustermann".repeat(20).to_vec()))];
        let packed = Packer::new().and_then(|mut packer| packer.pack_all(&bodies)).unwrap().remove(0).data;
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x55;
            let error = match Block::read(4, &damaged) {
                Err(error) => error.to_string(),
                Ok(block) => panic!("byte {at} of {}: {:?}", packed.len(), block.get(4).map(|(n, _)| n)),
            };
            assert!(error.starts_with("body 4 cannot be read back: its block"), "{error}");
            assert!(!error.contains("Muster"), "{error}");
        }
        for end in 0..packed.len() {
            assert!(Block::read(4, &packed[..end]).is_err(), "cut at {end}");
        }
    }
}
