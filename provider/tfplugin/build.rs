//! Compiles the protocol without `protoc`, and lists every field number for the golden test.

use protox::prost_reflect::DescriptorPool;
use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["proto/tfplugin6.proto", "proto/plugin.proto"], ["proto"])?;

    let mut listing = String::new();
    let pool = DescriptorPool::from_file_descriptor_set(descriptors.clone())?;
    for message in pool.all_messages().filter(|m| !m.is_map_entry()) {
        for field in message.fields() {
            writeln!(listing, "{}.{} {}", message.full_name(), field.name(), field.number())?;
        }
    }
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("fields.txt"), listing)?;

    let mut protocol = tonic_prost_build::configure();
    // Messages that only give others a namespace.
    for message in pool.all_messages().filter(|m| m.fields().len() == 0 && m.child_messages().len() > 0) {
        protocol = protocol.message_attribute(message.full_name(), "#[expect(dead_code, reason = \"a namespace\")]");
    }
    protocol.btree_map(".").bytes(".tfplugin6.DynamicValue").compile_fds(descriptors)?;
    Ok(())
}
