//! SysEx as a whole.

use midibay_ump::{SysexCollector, Ump, sysex_packets};
use proptest::prelude::*;

fn collect(collector: &mut SysexCollector, packets: impl IntoIterator<Item = Ump>) -> Vec<Vec<u8>> {
    packets.into_iter().filter_map(|ump| collector.push(&ump).map(<[u8]>::to_vec)).collect()
}

#[test]
fn the_frame_bytes_may_be_there_or_not() {
    let bare: Vec<_> = sysex_packets(3, &[1, 2, 3]).collect();
    assert_eq!(bare, sysex_packets(3, &[0xF0, 1, 2, 3, 0xF7]).collect::<Vec<_>>());
    assert_eq!(bare, [Ump::sysex7(3, 0, [1, 2, 3, 0, 0, 0], 3)]);
    assert_eq!(sysex_packets(0, &[]).collect::<Vec<_>>(), [Ump::sysex7(0, 0, [0; 6], 0)]);
}

#[test]
fn a_message_beyond_the_bound_is_left_out_as_a_whole() {
    let mut collector = SysexCollector::new(12);
    assert_eq!(collect(&mut collector, sysex_packets(0, &[1; 13])), Vec::<Vec<u8>>::new());
    assert_eq!(collect(&mut collector, sysex_packets(0, &[2; 12])), [vec![2; 12]]);
    assert_eq!(collector.lost(), 1);
    let mut tiny = SysexCollector::new(1);
    assert_eq!(collect(&mut tiny, sysex_packets(0, &[1; 3])), Vec::<Vec<u8>>::new());
    assert_eq!(tiny.lost(), 1);
}

#[test]
fn a_message_without_a_start_or_an_end_is_left_out() {
    let mut collector = SysexCollector::new(100);
    assert_eq!(collect(&mut collector, sysex_packets(0, &[1; 20]).skip(1)), Vec::<Vec<u8>>::new());
    assert_eq!(collect(&mut collector, sysex_packets(0, &[1; 20]).take(2)), Vec::<Vec<u8>>::new());
    assert_eq!(collect(&mut collector, sysex_packets(0, &[5; 20])), [vec![5; 20]]);
    assert_eq!(collector.lost(), 2);
}

#[test]
fn other_messages_between_the_packets_do_not_matter() {
    let mut collector = SysexCollector::new(100);
    let packets = sysex_packets(0, &[5; 20]).flat_map(|ump| [ump, Ump::system(0, 0xF8, 0, 0)]);
    assert_eq!(collect(&mut collector, packets), [vec![5; 20]]);
}

proptest! {
    #[test]
    fn what_is_cut_into_packets_comes_together_again(bytes in prop::collection::vec(0..128_u8, 0..200)) {
        let mut collector = SysexCollector::new(200);
        prop_assert_eq!(collect(&mut collector, sysex_packets(0, &bytes)), [bytes]);
    }
}
