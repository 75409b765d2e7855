//! What becomes of values.

use midibay_curve::Curve;
use midibay_plugin::testing::Rig;
use midibay_ump::{Ump, scale};
use serde_json::{Value, json};

fn curve(config: Value) -> Rig {
    Rig::processor::<Curve>(config).unwrap()
}

/// The velocity that each 7-bit velocity becomes.
fn velocities(config: Value) -> Vec<u8> {
    let sent: Vec<Ump> = (0..128).map(|velocity| Ump::note_on(0, 0, 60, velocity)).collect();
    curve(config).packets(0, &sent).iter().map(Ump::data2).collect()
}

fn shapes() -> Vec<Value> {
    let mut shapes = vec![
        json!({"shape": "linear"}),
        json!({"shape": "points", "points": [[0, 0], [64, 100], [127, 127]]}),
        json!({"shape": "points", "points": [[20, 3], [21, 3], [60, 120]]}),
    ];
    for shape in ["log", "exp", "s"] {
        shapes.push(json!({"shape": shape}));
        shapes.extend([0.0, 0.5, 10.0].map(|amount| json!({"shape": shape, "amount": amount})));
    }
    shapes.extend([0.1, 0.7, 1.0, 3.0, 10.0].map(|gamma| json!({"shape": "gamma", "gamma": gamma})));
    shapes.extend([
        json!({"shape": "exp", "min": 20, "max": 100}),
        json!({"min": 0, "max": 1}),
        json!({"min": 64, "max": 64}),
    ]);
    shapes
}

fn with(mut config: Value, name: &str, value: Value) -> Value {
    config[name] = value;
    config
}

#[test]
fn every_curve_rises_keeps_a_note_a_note_and_a_note_off_a_note_off() {
    for config in shapes() {
        let velocities = velocities(config.clone());
        assert_eq!(velocities[0], 0, "{config}: velocity 0 is a Note Off");
        assert!(velocities.is_sorted(), "{config}: {velocities:?}");
        assert!(velocities[1..].iter().all(|v| (1..128).contains(v)), "{config}: {velocities:?}");
    }
}

#[test]
fn every_curve_rises_at_every_resolution() {
    let values: Vec<u32> = (0..=4096_u64).map(|i| (i << 20).min(u64::from(u32::MAX)) as u32).collect();
    for config in shapes() {
        let config = with(config, "for", json!(["velocity", "pressure", "aftertouch", "pitch", 1]));
        let mut rig = curve(config.clone());
        let mut run = |make: &dyn Fn(u32) -> Ump, read: &dyn Fn(&Ump) -> u32| {
            let sent: Vec<Ump> = values.iter().map(|value| make(*value)).collect();
            let got: Vec<u32> = rig.packets(0, &sent).iter().map(read).collect();
            assert!(got.is_sorted(), "{config}: {got:?}");
        };
        let second = |ump: &Ump| ump.raw()[1];
        run(&|v| Ump::note_on2(0, 0, 60, (v >> 16) as u16), &second);
        run(&|v| Ump::poly_pressure2(0, 0, 60, v), &second);
        run(&|v| Ump::channel_pressure2(0, 0, v), &second);
        run(&|v| Ump::control_change2(0, 0, 1, v), &second);
        run(&|v| Ump::pitch_bend2(0, 0, v), &second);
        run(&|v| Ump::pitch_bend(0, 0, (v >> 18) as u16), &|ump| {
            u32::from(ump.data1()) | u32::from(ump.data2()) << 7
        });
    }
}

#[test]
fn a_straight_line_changes_nothing_at_any_resolution() {
    let mut rig =
        curve(json!({"for": ["velocity", "release-velocity", "pressure", "aftertouch", "pitch", "1..31"]}));
    let mut sent: Vec<Ump> = (0..0x4000).map(|value| Ump::pitch_bend(0, 0, value)).collect();
    sent.extend((0..=u16::MAX).step_by(7).map(|velocity| Ump::note_on2(0, 0, 60, velocity)));
    let edges = [0, 1, 2, 0x7FFF_FFFE, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, u32::MAX - 1, u32::MAX];
    for value in (0..1000_u32).map(|i| i.wrapping_mul(0x9E37_79B1)).chain(edges) {
        sent.extend([
            Ump::pitch_bend2(0, 0, value),
            Ump::control_change2(0, 0, 1, value),
            Ump::poly_pressure2(0, 0, 60, value),
            Ump::channel_pressure2(0, 0, value),
        ]);
    }
    sent.extend((0..128).flat_map(|value| {
        [
            Ump::note_on(0, 0, 60, value),
            Ump::note_off(0, 0, 60, value),
            Ump::control_change(0, 0, 2, value),
            Ump::channel_pressure(0, 0, value),
            Ump::poly_pressure(0, 0, 60, value),
        ]
    }));
    assert_eq!(rig.packets(0, &sent), sent);
}

#[test]
fn the_shapes_bend_the_way_they_say_and_keep_both_ends() {
    let shape = |config| {
        let v = velocities(config);
        assert_eq!((v[0], v[127]), (0, 127));
        (v[32], v[64], v[96])
    };
    let (low, middle, high) = shape(json!({"shape": "log"}));
    assert!(low > 60 && middle > 95 && high > 110, "{low} {middle} {high}");
    let (low, middle, high) = shape(json!({"shape": "exp"}));
    assert!(low < 16 && middle < 30 && high < 65, "{low} {middle} {high}");
    let (low, middle, high) = shape(json!({"shape": "s"}));
    assert!(low < 16 && (62..67).contains(&middle) && high > 110, "{low} {middle} {high}");
    // 127 * sqrt(64 / 127)
    assert_eq!(shape(json!({"shape": "gamma", "gamma": 0.5})).1, 90);
    // 127 * (64 / 127)^2
    assert_eq!(shape(json!({"shape": "gamma", "gamma": 2})).1, 32);
}

#[test]
fn log_takes_back_what_exp_did() {
    let mut exp = curve(json!({"for": "aftertouch", "shape": "exp", "amount": 2}));
    let mut log = curve(json!({"for": "aftertouch", "shape": "log", "amount": 2}));
    for value in (0..=32_u32).map(|i| i.saturating_mul(1 << 27)) {
        let there = exp.packets(0, &[Ump::channel_pressure2(0, 0, value)]);
        let back = log.packets(0, &there)[0].raw()[1];
        assert!(back.abs_diff(value) < 1 << 20, "{value:#x} came back as {back:#x}");
    }
}

#[test]
fn points_are_joined_by_straight_lines_and_level_beyond_them() {
    let v = velocities(json!({"shape": "points", "points": [[10, 20], [64, 100], [100, 110.5]]}));
    assert_eq!((v[1], v[10], v[64], v[100], v[127]), (20, 20, 100, 111, 111));
    assert_eq!(v[37], 60, "half way from 10 to 64");
}

#[test]
fn min_and_max_squeeze_the_range() {
    let v = velocities(json!({"min": 40, "max": 90}));
    assert_eq!((v[0], v[1], v[127]), (0, 40, 90));
    let mut rig = curve(json!({"for": 7, "min": 40, "max": 90}));
    let volume = |value| Ump::control_change(0, 0, 7, value);
    assert_eq!(rig.packets(0, &[volume(0), volume(127)]), [volume(40), volume(90)]);
}

#[test]
fn a_midi_2_value_becomes_what_its_midi_1_value_does_give_or_take_one() {
    for config in shapes() {
        let mut rig = curve(with(config.clone(), "for", json!([1, "velocity"])));
        for value in 0..128 {
            let wide = scale::scale_7_to_32(value);
            let sent = [Ump::control_change(0, 0, 1, value), Ump::control_change2(0, 0, 1, wide)];
            let got = rig.packets(0, &sent);
            let (narrow, wide) = (got[0].data2(), (got[1].raw()[1] >> 25) as u8);
            assert!(narrow.abs_diff(wide) <= 1, "{config}: {value} became {narrow} and {wide}");
        }
    }
}

#[test]
fn one_stays_at_least_one_unless_points_say_otherwise() {
    let exp = json!({"for": ["velocity", "aftertouch", 7, "pitch"], "shape": "exp", "amount": 10});
    let mut rig = curve(exp);
    let (touch, volume) = (Ump::channel_pressure(0, 0, 1), Ump::control_change(0, 0, 7, 1));
    let bends = [Ump::pitch_bend(0, 0, 0x2001), Ump::pitch_bend(0, 0, 0x1FFF)];
    let soft = [Ump::note_on(0, 0, 60, 1), Ump::note_on2(0, 0, 60, 1)];
    let sent = [touch, volume, bends[0], bends[1], soft[0], soft[1]];
    assert_eq!(rig.packets(0, &sent), sent);
    let dead_zone =
        json!({"for": ["velocity", 7, "pitch"], "shape": "points", "points": [[0, 0], [10, 0], [127, 127]]});
    let mut rig = curve(dead_zone);
    let centre = Ump::pitch_bend(0, 0, 0x2000);
    assert_eq!(
        rig.packets(0, &[volume, bends[0], bends[1], soft[0]]),
        [Ump::control_change(0, 0, 7, 0), centre, centre, soft[0]]
    );
}

#[test]
fn pitch_bends_the_same_up_and_down_and_the_centre_stays() {
    for shape in shapes() {
        let mut rig = curve(with(shape, "for", json!("pitch")));
        let centre = [Ump::pitch_bend(0, 0, 0x2000), Ump::pitch_bend2(0, 0, 0x8000_0000)];
        assert_eq!(rig.packets(0, &centre), centre);
        for way in [1_u16, 100, 1000, 5000] {
            let sent = [Ump::pitch_bend(0, 0, 0x2000 + way), Ump::pitch_bend(0, 0, 0x2000 - way)];
            let got: Vec<i32> = rig
                .packets(0, &sent)
                .iter()
                .map(|ump| i32::from(ump.data1()) + i32::from(ump.data2()) * 128 - 0x2000)
                .collect();
            assert!((got[0] + got[1]).abs() <= 2, "{way}: {got:?}");
        }
    }
    let full = [Ump::pitch_bend(0, 0, 0), Ump::pitch_bend(0, 0, 0x3FFF), Ump::pitch_bend2(0, 0, u32::MAX)];
    assert_eq!(curve(json!({"for": "pitch", "shape": "exp"})).packets(0, &full), full);
}

#[test]
fn only_what_it_is_for_changes() {
    let zero =
        |config| curve(with(with(config, "shape", json!("points")), "points", json!([[0, 9], [127, 9]])));
    let all = [
        Ump::note_on(0, 0, 60, 100),
        Ump::note_off(0, 0, 60, 100),
        Ump::poly_pressure(0, 0, 60, 100),
        Ump::channel_pressure(0, 0, 100),
        Ump::control_change(0, 0, 7, 100),
        Ump::pitch_bend(0, 0, 100),
        Ump::program_change(0, 0, 100),
        Ump::system(0, 0xF2, 100, 100),
        Ump::note_on2(0, 0, 60, 100),
        Ump::note_off2(0, 0, 60, 100),
    ];
    let changed = |target: Value| -> Vec<usize> {
        let got = zero(json!({"for": target})).packets(0, &all);
        (0..all.len()).filter(|i| got[*i] != all[*i]).collect()
    };
    assert_eq!(changed(json!("velocity")), [0, 8]);
    assert_eq!(changed(json!("release-velocity")), [1, 9]);
    assert_eq!(changed(json!("pressure")), [2]);
    assert_eq!(changed(json!("aftertouch")), [3]);
    assert_eq!(changed(json!([7, "10..12"])), [4]);
    assert_eq!(changed(json!("pitch")), [5]);
    let elsewhere = zero(json!({"for": ["velocity", 7], "channels": [2]})).packets(0, &all);
    assert_eq!(elsewhere, all);
}

#[test]
fn an_attribute_stays_with_its_velocity() {
    let with_attribute = |velocity: u32| Ump::midi2(0, 0x9, 0, 60, 3, velocity << 16 | 0x7812);
    let got = curve(json!({"min": 1, "max": 1})).packets(0, &[with_attribute(0xFFFF)]);
    assert_eq!(got, [with_attribute(1 << 9)]);
}

#[test]
fn a_pedal_comes_up_whatever_the_curve_makes_of_zero() {
    let mut rig = curve(json!({"for": [64, 7], "min": 80}));
    let pedal = |value| Ump::control_change(0, 0, 64, value);
    let up2 = Ump::control_change2(0, 0, 64, 0);
    assert_eq!(rig.packets(0, &[pedal(127), pedal(0), up2]), [pedal(127), pedal(0), up2]);
}

#[test]
fn the_curve_changes_as_it_runs() {
    let mut rig = curve(json!({}));
    let note = |velocity| Ump::note_on(0, 0, 60, velocity);
    assert_eq!(rig.packets(0, &[note(64)]), [note(64)]);
    assert_eq!(rig.reconfigure(json!({"max": 1})).unwrap(), []);
    assert_eq!(rig.packets(0, &[note(64)]), [note(1)]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = |config| match Rig::processor::<Curve>(config) {
        Err(errors) => errors,
        Ok(_) => panic!("that should be wrong"),
    };
    let paths = |config| errors(config).into_iter().map(|e| e.path).collect::<Vec<_>>();
    assert_eq!(
        paths(json!({
            "for": ["velocity", "speed", 128, 120, "9..5"], "channels": 0, "shape": "log", "gamma": 2,
            "points": [[0, 0]], "amount": 11, "min": -1, "max": 0
        })),
        ["for[1]", "for[2]", "for[3]", "for[4]", "channels", "gamma", "points", "amount", "min", "max"]
    );
    assert_eq!(paths(json!({"amount": 2})), ["amount"], "a straight line has no strength");
    assert_eq!(paths(json!({"shape": "gamma"})), ["shape"]);
    assert_eq!(paths(json!({"shape": "points"})), ["shape"]);
    assert_eq!(paths(json!({"shape": "points", "points": [[0, 0]]})), ["points"]);
    assert_eq!(
        paths(json!({"shape": "points", "points": [[0, 5], [0, 4], [200, 1]]})),
        ["points[2][0]", "points[1][0]", "points[1][1]", "points[2][1]"]
    );
    assert_eq!(paths(json!({"min": 5, "max": 4})), ["min"]);
    assert_eq!(paths(json!({"for": []})), ["for"]);
    assert_eq!(paths(json!({"shape": "cubic"})), ["shape"]);
    assert!(errors(json!({"for": ["speed"]}))[0].help.contains("\"velocity\""));
    assert!(errors(json!({"for": true}))[0].message.contains("velocity"));
}
