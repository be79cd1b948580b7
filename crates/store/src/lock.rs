//! One engine owns a store; a second one is refused with the owner's name.
//!
//! The lock is the system's, on an open file: it ends with the process, however that ends. The file
//! stays, since removing it would let two engines lock two different files of one name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{LOCK_FILE, STORE_FILE, StoreError};

/// Held as long as the engine may write.
#[derive(Debug)]
pub(crate) struct StoreLock(#[allow(dead_code, reason = "held for its drop")] File);

impl StoreLock {
    pub(crate) fn take(data_dir: &Path) -> Result<Self, StoreError> {
        let store = data_dir.join(STORE_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(data_dir.join(LOCK_FILE))
            .map_err(|error| StoreError::open(&store, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&store, &mut file)),
            Err(TryLockError::Error(error)) => return Err(StoreError::open(&store, error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| StoreError::open(&store, error))?;
        Ok(StoreLock(file))
    }
}

fn in_use(store: &Path, file: &mut File) -> StoreError {
    let mut owner = String::new();
    // An owner that has not written its id yet is still an owner.
    if file.read_to_string(&mut owner).is_err() || owner.trim().is_empty() {
        owner = "unknown".to_owned();
    }
    StoreError::InUse { path: store.display().to_string(), owner: owner.trim().to_owned() }
}
