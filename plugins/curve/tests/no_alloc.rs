//! Nothing allocates while events flow: the rig watches every engine call.

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

use midibay_curve::Curve;
use midibay_plugin::testing::Rig;
use midibay_ump::Ump;
use serde_json::json;

#[test]
fn bending_values_does_not_allocate() {
    let all = json!(["velocity", "release-velocity", "pressure", "aftertouch", "pitch", 1]);
    let mut rig = Rig::processor::<Curve>(json!({"for": all, "shape": "s"})).unwrap();
    let packets = [
        Ump::note_on(0, 0, 60, 1),
        Ump::note_off2(0, 0, 60, 1),
        Ump::poly_pressure2(0, 0, 60, 1),
        Ump::channel_pressure(0, 0, 1),
        Ump::pitch_bend(0, 0, 1),
        Ump::control_change2(0, 0, 1, 1),
    ];
    assert_eq!(rig.packets(0, &packets).len(), packets.len());
    rig.reconfigure(json!({"for": all, "shape": "gamma", "gamma": 2})).unwrap();
    assert_eq!(rig.packets(0, &packets).len(), packets.len());
}
