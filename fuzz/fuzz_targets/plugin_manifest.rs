//! A file in a plugin folder may be anything: it is looked at before it is loaded.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A reason is a line that follows the file's name.
    if let Err(reason) = midibay_plugin::load::inspect(bytes) {
        assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
    }
});
