//! Files dropped into a folder, to archive and output, against the same file calls alone.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use orris_tests::{Engine, Random, routed_to_file};
use store::Reader;

use crate::feed;
use crate::report::{against, count, figure, rate, section};

const FILES: usize = 50_000;
const ROUNDS: usize = 3;
const BATCH: usize = 1_000_000;

/// Two rules with a condition. `output` is the operation's settings.
fn production(output: &str) -> String {
    let rules = "[ { name: admissions, when: 'MSH-9.1 = \"ADT\" and PV1-2 in (\"I\", \"E\")', send: [HL7FileOperation] }, \
                 { otherwise: true, send: [HL7FileOperation] } ]";
    routed_to_file(rules, output)
}

/// Runs both drops.
pub(crate) fn run(folder: &Path) {
    section(&format!(
        "file drop, {} files of one 1 KiB message, to archive and one output file each; medians of {ROUNDS}",
        count(FILES as f64)
    ));
    // In turn, since what a file system does for a new file depends on what was done to it before.
    let mut rates = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        let own = |name: &str| folder.join(format!("{name}_{round}"));
        rates[0].push(rate(FILES, bare(&own("bare"), FILES)));
        rates[1].push(rate(FILES, singles(&own("kernel"), false)));
        rates[2].push(rate(FILES, singles(&own("synced"), true)));
        println!(
            "  round {}: bare {:.0}, kernel {:.0}, synced {:.0} /s",
            round + 1,
            rates[0][round],
            rates[1][round],
            rates[2][round]
        );
    }
    let [bare, kernel, synced] = rates.map(median);
    against("left to the kernel, as the bare calls do", kernel, "/s", "bare calls", bare, ">= 60 %");
    against("output files synced before completion", synced, "/s", "bare calls", bare, "-");
    section(&format!("one batch file of {} messages, to archive and one output file", count(BATCH as f64)));
    batch(&folder.join("batch"));
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Writes the input and has it on the disk, so that nobody is charged for it.
fn write_inputs(folder: &Path, files: usize) {
    fs::create_dir_all(folder).expect("a folder for the input");
    let mut random = Random::new(1);
    for number in 0..files {
        fs::write(folder.join(format!("{number:08}.hl7")), feed::message(number as u64, &mut random))
            .expect("written");
    }
    rustix::fs::sync();
}

/// The same calls without an engine, on two threads: open, read, close, rename; create, write, close, rename.
fn bare(folder: &Path, files: usize) -> Duration {
    write_inputs(&folder.join("in"), files);
    for name in ["archive", "out"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let mut content = Vec::new();
                for number in (half..files).step_by(2) {
                    let name = format!("{number:08}.hl7");
                    let input = folder.join("in").join(&name);
                    content.clear();
                    File::open(&input).and_then(|mut file| file.read_to_end(&mut content)).expect("read");
                    fs::rename(&input, folder.join("archive").join(&name)).expect("archived");
                    let aside = folder.join("out").join(format!(".{name}.tmp"));
                    File::create(&aside).and_then(|mut file| file.write_all(&content)).expect("written");
                    fs::rename(&aside, folder.join("out").join(&name)).expect("renamed");
                }
            });
        }
    });
    begun.elapsed()
}

fn singles(folder: &Path, sync: bool) -> Duration {
    write_inputs(&folder.join("data/in"), FILES);
    let begun = Instant::now();
    let mut engine =
        Engine::start(folder, &production(&format!("file_path: out, file_name: '%f', sync: {sync}")), &[]);
    assert!(engine.ready(), "the engine did not start:\n{}", engine.log());
    let out = folder.join("data/out");
    let last = out.join(format!("{:08}.hl7", FILES - 1));
    let input = folder.join("data/in");
    wait(&mut engine, |reader| last.exists() && is_empty(&input) && is_done(reader));
    let took = begun.elapsed();
    engine.stop();
    assert_eq!(fs::read_dir(&out).expect("the output folder").count(), FILES, "one file each");
    took
}

fn batch(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let bytes = write_batch(&folder.join("batch.hl7"), BATCH);
    let copied = Instant::now();
    fs::copy(folder.join("batch.hl7"), folder.join("copy")).expect("copied");
    let bare = copied.elapsed();
    let output = "file_path: out, file_name: '%f', mode: append";
    let mut engine = Engine::start(folder, &production(output), &[]);
    assert!(engine.ready(), "the engine did not start:\n{}", engine.log());
    let begun = Instant::now();
    fs::rename(folder.join("batch.hl7"), folder.join("data/in/batch.hl7")).expect("dropped");
    let input = folder.join("data/in");
    wait(&mut engine, |reader| is_empty(&input) && is_done(reader));
    let took = begun.elapsed();
    let (cpu, resident) = (engine.processor_time(), engine.most_resident_kib());
    engine.stop();
    against(
        "batch",
        rate(BATCH, took),
        "msg/s",
        "a plain copy of the file",
        rate(BATCH, bare),
        ">= 60,000/s",
    );
    figure("of the input", &format!("{:.0} MB/s", bytes as f64 / 1e6 / took.as_secs_f64()), "-");
    figure(
        "processor time of the engine per message",
        &format!("{:.1} µs", cpu.as_secs_f64() * 1e6 / BATCH as f64),
        "-",
    );
    figure("most resident memory", &format!("{} MB", resident / 1024), "< 150 MB");
    let stored: u64 =
        ["store.db", "search.db"].iter().map(|name| size(&folder.join("data").join(name))).sum();
    let share = stored as f64 / bytes as f64;
    figure("stored per 1 KiB of message, 2 headers", &format!("{share:.2} KiB"), "<= 0.7 KB");
}

/// Writes a batch of `messages` to `path` and returns its size.
pub(crate) fn write_batch(path: &Path, messages: usize) -> u64 {
    let mut random = Random::new(2);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("created"));
    let mut put = |text: &str| file.write_all(text.as_bytes()).expect("written");
    put("FHS|^~\\&|ADT1|NORTH HOSPITAL\rBHS|^~\\&|ADT1|NORTH HOSPITAL\r");
    for number in 0..messages {
        put(&feed::message(number as u64, &mut random));
    }
    put(&format!("BTS|{messages}\rFTS|1\r"));
    file.flush().expect("flushed");
    size(path)
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether no message waits any more.
pub(crate) fn is_done(reader: &Reader) -> bool {
    reader.queues().is_ok_and(|queues| queues.is_empty())
}

/// Waits until `condition` holds, looking 50 times a second.
pub(crate) fn wait(engine: &mut Engine, mut condition: impl FnMut(&Reader) -> bool) {
    let reader = Reader::open(engine.data_dir()).expect("a reader beside the engine");
    while !condition(&reader) {
        assert!(!engine.ended(), "the engine ended:\n{}", engine.log());
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
