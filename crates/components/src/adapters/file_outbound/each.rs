//! One file for each message: a group is written aside, made durable in one go, and renamed in order.
//!
//! A file is seen under its name only when it is whole. The name aside is made of the name and the
//! message's id, so that a repeat finds what it left; it is opened so that no link is ever followed.
//!
//! Where names must not be overwritten, a repeat has to know its own file again. Its size and content
//! must be those of the message, and so must a mark that no other file has: the last six digits of the
//! file's time in nanoseconds are those of the message's id.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use model::fault;
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, fsync, futimens, openat, renameat, syncfs,
    unlinkat,
};
use rustix::io::Errno;

use super::{Job, Written};
use crate::adapters::disk;
use crate::adapters::file_name::safe;

/// Groups larger than this are written by two threads.
const TWO_HANDS: usize = 32;
/// Up to so many files are synced one by one; for more, the whole file system at once is cheaper.
const SYNC_EACH: usize = 8;
/// What the mark counts to.
const MARKS: u64 = 1_000_000;

/// How files are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Whether a file of that name is replaced; else the new one gets another name.
    pub(crate) overwrite: bool,
    /// Whether files are durable when they count as written.
    pub(crate) sync: bool,
    /// The time of the files, in milliseconds since 1970.
    pub(crate) now: i64,
}

/// Writes a group into `folder`.
pub(crate) fn write(folder: &Path, jobs: &[Job], way: Way) -> Written {
    let dir = match open_folder(folder) {
        Ok(dir) => dir,
        Err(error) => return failed(0, format!("folder \"{}\"", folder.display()), &error),
    };
    let mut written = write_all_aside(&dir, folder, jobs, way);
    if way.sync
        && written.count > SYNC_EACH
        && let Err(error) = syncfs(&dir)
    {
        written = failed(0, format!("folder \"{}\"", folder.display()), &error.into());
    }
    let mut renamed = rename_all(&dir, folder, &jobs[..written.count], way);
    renamed.failure = renamed.failure.or(written.failure);
    if way.sync
        && renamed.count > 0
        && let Err(error) = fsync(&dir)
    {
        // They are there, but may not outlive the power: all of them are written once more.
        renamed = failed(0, format!("folder \"{}\"", folder.display()), &error.into());
    }
    for job in &jobs[renamed.count..] {
        // What is not renamed is written anew; what cannot be removed is replaced then.
        let _gone = unlinkat(&dir, aside(job), AtFlags::empty());
    }
    renamed
}

fn open_folder(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, folder, flags, Mode::empty())?)
}

fn failed(count: usize, what: String, error: &io::Error) -> Written {
    Written { count, failure: Some(format!("{what} cannot be written: {}", disk::reason(error))) }
}

/// The name under which a message is written, before it is renamed.
fn aside(job: &Job) -> String {
    format!(".{}.{}.tmp", job.name, job.id)
}

/// Writes them all; two hands write twice as fast, since it is the system that is at work.
fn write_all_aside(dir: &OwnedFd, folder: &Path, jobs: &[Job], way: Way) -> Written {
    let sync_each = way.sync && jobs.len() <= SYNC_EACH;
    let write_part = |jobs: &[Job]| {
        for (count, job) in jobs.iter().enumerate() {
            if let Err(error) = write_aside(dir, job, way, sync_each) {
                return failed(count, job.place(folder), &error);
            }
        }
        Written { count: jobs.len(), failure: None }
    };
    if jobs.len() < TWO_HANDS {
        return write_part(jobs);
    }
    let (first, second) = jobs.split_at(jobs.len() / 2);
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| write_part(second));
        (write_part(first), other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    match first.failure {
        Some(_) => first,
        None => Written { count: first.count + second.count, failure: second.failure },
    }
}

fn write_aside(dir: &OwnedFd, job: &Job, way: Way, sync: bool) -> io::Result<()> {
    let name = aside(job);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || openat(dir, &name, flags, Mode::from_raw_mode(0o666));
    let file = match open() {
        // Left by an earlier life, or put there by somebody: the entry goes, not what it points to.
        Err(Errno::EXIST) => {
            unlinkat(dir, &name, AtFlags::empty())?;
            open()?
        }
        opened => opened?,
    };
    let mut file = File::from(file);
    file.write_all(&job.bytes)?;
    if !way.overwrite {
        futimens(&file, &marked(job, way.now))?;
    }
    if sync {
        file.sync_all()?;
    }
    fault::point("operation.written_aside");
    Ok(())
}

/// The time of a message's file, with its mark.
fn marked(job: &Job, now: i64) -> Timestamps {
    let time = Timespec {
        tv_sec: now.div_euclid(1_000),
        tv_nsec: now.rem_euclid(1_000) * 1_000_000 + (job.id % MARKS) as i64,
    };
    Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, last_modification: time }
}

/// Gives the files their names, in order.
fn rename_all(dir: &OwnedFd, folder: &Path, jobs: &[Job], way: Way) -> Written {
    // Messages of one file often want one name: the first rename tells all others.
    let mut last_taken = "";
    for (count, job) in jobs.iter().enumerate() {
        let renamed = if way.overwrite {
            renameat(dir, aside(job), dir, &job.name).map_err(Into::into)
        } else {
            rename_unique(dir, job, &mut last_taken)
        };
        if let Err(error) = renamed {
            return failed(count, job.place(folder), &error);
        }
        fault::point("operation.renamed");
    }
    Written { count: jobs.len(), failure: None }
}

fn rename_unique<'a>(dir: &OwnedFd, job: &'a Job, last_taken: &mut &'a str) -> io::Result<()> {
    let aside = aside(job);
    let second = safe::with_suffix(&job.name, &format!("_{}", job.id));
    if job.repeat {
        for name in [&job.name, &second] {
            if is_own(dir, job, name)? {
                return Ok(renameat(dir, aside, dir, name)?);
            }
        }
    }
    if *last_taken != job.name {
        *last_taken = &job.name;
        if disk::rename_new(dir, &aside, &job.name)? {
            return Ok(());
        }
    }
    if disk::rename_new(dir, &aside, &second)? {
        return Ok(());
    }
    for number in 2_u64.. {
        let name = safe::with_suffix(&job.name, &format!("_{}_{number}", job.id));
        if disk::rename_new(dir, &aside, &name)? {
            break;
        }
    }
    Ok(())
}

/// Whether the file of that name is what this message left when it was written before.
fn is_own(dir: &OwnedFd, job: &Job, name: &str) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(dir.as_fd(), name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::ACCESS) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let found = file.metadata()?;
    let mark = std::os::unix::fs::MetadataExt::mtime_nsec(&found) as u64 % MARKS;
    if !found.is_file() || found.len() != job.bytes.len() as u64 || mark != job.id % MARKS {
        return Ok(false);
    }
    let mut content = Vec::with_capacity(job.bytes.len());
    file.take(found.len()).read_to_end(&mut content)?;
    Ok(content == job.bytes)
}

#[cfg(test)]
#[path = "tests/each.rs"]
mod tests;
