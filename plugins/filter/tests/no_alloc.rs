//! Nothing allocates while events flow: the rig watches every engine call.

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

use midibay_filter::Filter;
use midibay_plugin::testing::Rig;
use midibay_ump::{SYSEX_START, Ump};
use serde_json::json;

#[test]
fn filtering_does_not_allocate() {
    let mut rig = Rig::processor::<Filter>(json!({})).unwrap();
    for config in [json!({"drop": "clock"}), json!({"velocities": "10..20", "channels": "1..9"})] {
        // More notes than there is room for: the table does not grow.
        for source in 0..40 {
            let notes = (0..128).map(|note| Ump::note_on(0, 0, note, 15));
            let events =
                notes.map(|ump| midibay_plugin::Event { source, ..midibay_plugin::Event::new(0, ump) });
            rig.send(&events.collect::<Vec<_>>());
        }
        rig.packets(
            0,
            &[
                Ump::control_change(0, 0, 64, 127),
                Ump::sysex7(0, SYSEX_START, [0; 6], 6),
                Ump::system(0, 0xFF, 0, 0),
            ],
        );
        rig.reconfigure(config).unwrap();
        rig.source_lost(0, 3);
    }
    assert!(rig.counters().drops(midibay_plugin::DropReason::Overflow) > 0);
}
