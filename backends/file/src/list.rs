//! The serial lines and raw MIDI devices of this machine.

use std::path::Path;

use midibay_plugin::PortListing;

/// Directories, and how the names in them begin that are of use.
const PLACES: [(&str, &[&str]); 3] = [
    // These names stay the same whichever socket a thing is plugged into.
    ("/dev/serial/by-id", &[""]),
    ("/dev", &["ttyUSB", "ttyACM", "cu.usb"]),
    ("/dev/snd", &["midi"]),
];

/// All of them, by name. A directory that is not there holds none.
pub(crate) fn devices() -> Vec<PortListing> {
    let mut found = Vec::new();
    for (directory, beginnings) in PLACES {
        found.extend(in_directory(Path::new(directory), beginnings));
    }
    found
}

fn in_directory(directory: &Path, beginnings: &[&str]) -> Vec<PortListing> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)))
        .map(|name| {
            let path = directory.join(&name);
            PortListing {
                write: format!("path = {:?}", path.to_string_lossy()),
                name,
                input: true,
                output: true,
            }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_listed_with_what_to_write_into_a_graph() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ttyUSB1", "ttyUSB0", "null"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = in_directory(dir.path(), &["ttyUSB"]);
        let names: Vec<_> = found.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["ttyUSB0", "ttyUSB1"]);
        assert_eq!(found[0].write, format!("path = {:?}", dir.path().join("ttyUSB0")));
    }
}
