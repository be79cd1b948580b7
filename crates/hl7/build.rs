//! Packs the schemas under `data/` for the binary: a tenth of their size, and none is unpacked before
//! it is needed. The packed form is made at each build, so that only texts are kept and reviewed.

use std::path::Path;
use std::{env, fs};

/// The smallest form that takes no more memory to unpack than the text itself.
const LEVEL: i32 = 19;

fn main() {
    println!("cargo::rerun-if-changed=data");
    let target = env::var_os("OUT_DIR").expect("cargo names OUT_DIR");
    for entry in fs::read_dir("data").expect("data/ lies beside build.rs") {
        let path = entry.expect("data/ can be listed").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = fs::read(&path).expect("a schema can be read");
            let packed = zstd::bulk::compress(&text, LEVEL).expect("a text can be packed");
            let name = Path::new(path.file_name().expect("a file has a name")).with_extension("zst");
            fs::write(Path::new(&target).join(name), packed).expect("OUT_DIR can be written");
        }
    }
}
