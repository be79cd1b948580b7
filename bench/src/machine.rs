//! What this machine is, and what its disk does, so that figures can be judged.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::report::{millis, percentile};

/// Prints processors, memory, kernel, and the disk's synchronous speed in `folder`.
pub(crate) fn print(folder: &Path) {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown processor");
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().next().unwrap_or("").trim_start_matches("MemTotal:").trim();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine  {cores} cores, {model}, {total}, Linux {}", kernel.trim());
    let (small, large) = (probe(folder, 4096, 300), probe(folder, 1 << 20, 40));
    println!(
        "disk     4 KiB append and fdatasync p50 {} p99 {}; 1 MiB p50 {}",
        millis(percentile(&small, 0.5)),
        millis(percentile(&small, 0.99)),
        millis(percentile(&large, 0.5)),
    );
}

/// Sorted times of `count` appends of `size` bytes, each followed by an fdatasync.
pub(crate) fn probe(folder: &Path, size: usize, count: usize) -> Vec<Duration> {
    let path = folder.join("probe");
    let mut file = File::create(&path).expect("the folder can be written");
    let block = vec![0x5a; size];
    let mut times: Vec<_> = (0..count)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&block).and_then(|()| file.sync_data()).expect("the disk can be written");
            begun.elapsed()
        })
        .collect();
    times.sort();
    times
}
