//! Nothing allocates while events flow: the rig watches every engine call.

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

use midibay_plugin::testing::Rig;
use midibay_plugin::{DropReason, Event};
use midibay_remap::Remap;
use midibay_ump::{SYSEX_START, Ump};
use serde_json::json;

#[test]
fn remapping_does_not_allocate() {
    let mut rig = Rig::processor::<Remap>(json!({"channels": {"1": 2}})).unwrap();
    // More notes than there is room for: the table does not grow.
    for source in 0..40 {
        let notes = (0..128).map(|note| Event { source, ..Event::new(0, Ump::note_on(0, 0, note, 15)) });
        rig.send(&notes.collect::<Vec<_>>());
    }
    assert!(rig.counters().drops(DropReason::Overflow) > 0);
    rig.reconfigure(json!({"groups": {"1": 2}, "others": "drop"})).unwrap();
    rig.packets(
        0,
        &[
            Ump::note_on(0, 0, 1, 1),
            Ump::control_change(0, 0, 64, 127),
            Ump::program_change(0, 0, 1),
            Ump::sysex7(0, SYSEX_START, [0; 6], 6),
            Ump::control_change(0, 0, 123, 0),
            Ump::system(0, 0xFF, 0, 0),
        ],
    );
    rig.source_lost(0, 3);
}
