//! A MIDI file comes from anywhere: reading it must end, fit into memory, and give times that can be
//! played.
#![no_main]

use libfuzzer_sys::fuzz_target;
use midibay_file::smf::load;

fuzz_target!(|bytes: &[u8]| match load(bytes) {
    Ok(piece) => {
        assert!(piece.events.len() <= bytes.len(), "more events than bytes");
        assert!(piece.events.is_sorted_by_key(|event| event.time));
        assert!(piece.events.iter().all(|event| event.time <= piece.length));
        assert!(piece.events.iter().all(|event| usize::from(event.track) < piece.tracks));
    }
    Err(error) => {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
    }
});
