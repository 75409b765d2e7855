//! Laws that hold for any text.

use midibay::config::{self, LoadOptions};
use midibay::graph::Control;
use proptest::prelude::*;

use super::support;

const NODES: &str =
    "[node.a]\ntype='ip-midi'\n[node.b]\ntype='ip-midi'\n[node.up]\ntype='transpose'\nsemitones=1\n";

fn parse(text: &str) -> Result<config::Loaded, config::Diagnostics> {
    config::parse(text, "t", &LoadOptions::default(), &support::Types)
}

/// A TOML string of any text.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn with_route(route: &str) -> Result<config::Loaded, config::Diagnostics> {
    parse(&format!("{NODES}[graph]\nroutes = [{}]\n", quoted(route)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_ends_the_program(text in "\\PC*") {
        if let Err(wrong) = parse(&text) {
            prop_assert!(!wrong.render(false).is_empty());
        }
    }

    #[test]
    fn no_text_that_is_nearly_a_graph_ends_the_program(
        parts in prop::collection::vec(prop::sample::select(vec![
            "[node.a]", "[node", "]", "[[trigger]]", "[graph]", "type", "=", "'ip-midi'", "\"", "'''", "{", "}",
            "routes", "[", ",", "'a -> b'", "\n", " ", "env", "port", "0", "-1", "1e9", "include", "on", "run",
            "'a.ch1.cc1'", "'a.x'", "\u{e9}", "\r\n", "args", "peers", "host", "guard", "above",
        ]), 0..40)
    ) {
        if let Err(wrong) = parse(&parts.concat()) {
            prop_assert!(!wrong.render(false).is_empty());
        }
    }

    #[test]
    fn no_route_ends_the_program(route in "\\PC{0,40}") {
        if let Err(wrong) = with_route(&route) {
            prop_assert!(!wrong.render(false).is_empty());
        }
    }

    #[test]
    fn no_route_that_is_nearly_one_ends_the_program(
        parts in prop::collection::vec(prop::sample::select(vec![
            "a", "b", "up", "->", "<-", "<->", " ", ":", ".", "ch", "1", "16", "0", "note", "cc", "{", "}", "..", ",",
            "{1..4}", "{a,b}", "{4..1}", "g2", "\u{2192}", ">", "-", "\n", "\"", "\\",
        ]), 0..16)
    ) {
        let route = parts.concat();
        match with_route(&route) {
            Ok(loaded) => prop_assert!(!loaded.graph.routes.is_empty() || !loaded.graph.maps.is_empty()),
            Err(wrong) => prop_assert!(wrong.errors() > 0),
        }
    }

    #[test]
    fn a_range_stands_for_its_numbers_one_by_one(from in 0u8..128, to in 0u8..128) {
        let short = with_route(&format!("a.ch1.cc{{{from}..{to}}} -> b.ch1.note{{{to}..{from}}}")).expect("a good route");
        let counted: Vec<u8> = if from <= to { (from..=to).collect() } else { (to..=from).rev().collect() };
        let sources: Vec<Control> = counted.iter().map(|number| Control::Cc(*number)).collect();
        let destinations: Vec<Control> = counted.iter().rev().map(|number| Control::Note(*number)).collect();
        prop_assert_eq!(short.graph.maps.iter().map(|map| map.from.control).collect::<Vec<_>>(), sources);
        prop_assert_eq!(short.graph.maps.iter().map(|map| map.to.control).collect::<Vec<_>>(), destinations);
    }

    #[test]
    fn a_list_is_the_same_as_its_entries_written_out(numbers in prop::collection::btree_set(0u8..128, 1..12)) {
        let list: Vec<String> = numbers.iter().map(u8::to_string).collect();
        let short = with_route(&format!("a.ch{{3,5}}.cc{{{}}} -> b.ch1.cc1", list.join(","))).expect("a good route");
        let long: Vec<String> = [3, 5].iter()
            .flat_map(|channel| list.iter().map(move |number| quoted(&format!("a.ch{channel}.cc{number} -> b.ch1.cc1"))))
            .collect();
        let long = parse(&format!("{NODES}[graph]\nroutes = [{}]\n", long.join(","))).expect("good routes");
        prop_assert_eq!(short.graph.maps, long.graph.maps);
    }

    #[test]
    fn an_arrow_may_be_turned_with_its_ends(channel in 1u8..=16, number in 0u8..128) {
        let (one, other) = (format!("a.ch{channel}.note{number}"), format!("b.ch{channel}.pressure{number}"));
        let right = with_route(&format!("{one} -> {other}")).expect("a good route");
        let left = with_route(&format!("{other} <- {one}")).expect("a good route");
        prop_assert_eq!(right.graph, left.graph);
    }
}
