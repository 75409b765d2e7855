//! Nothing allocates while events flow: the rig watches every engine call.

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

use midibay_plugin::testing::Rig;
use midibay_plugin::{DropReason, Event};
use midibay_transpose::Transpose;
use midibay_ump::Ump;
use serde_json::json;

#[test]
fn transposing_does_not_allocate() {
    let mut rig = Rig::processor::<Transpose>(json!({"semitones": 1})).unwrap();
    // More notes than there is room for: the table does not grow.
    for source in 0..40 {
        let notes = (0..128).map(|note| Event { source, ..Event::new(0, Ump::note_on(0, 0, note, 15)) });
        rig.send(&notes.collect::<Vec<_>>());
    }
    assert!(rig.counters().drops(DropReason::Overflow) > 0);
    rig.command("set", json!({"semitones": 3})).unwrap();
    assert!(rig.command("set", json!({"semitones": 300})).is_err());
    rig.packets(
        0,
        &[Ump::note_on(0, 0, 1, 1), Ump::control_change(0, 0, 123, 0), Ump::system(0, 0xFF, 0, 0)],
    );
    rig.reconfigure(json!({"semitones": 5, "out-of-range": "fold"})).unwrap();
    rig.source_lost(0, 3);
}
