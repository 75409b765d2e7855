//! What the routing language means.

use midibay::config::{self, Diagnostics, LoadOptions, Loaded};
use midibay::graph::{Control, ControlMap, ControlRef, Graph, PortRef};

use super::support;

const NODES: &str = r#"
[node.pads]
type = "ip-midi"

[node.lights]
type = "ip-midi"
port = 2

[node.a1]
type = "ip-midi"

[node.a2]
type = "ip-midi"

[node.a3]
type = "ip-midi"

[node.desk]
type = "desk"
ports = ["left", "right"]

[node.up]
type = "transpose"
semitones = 12

[node.down]
type = "transpose"
semitones = -12

[node.sw]
type = "switch"
inputs = ["main", "spare"]

[node.zones]
type = "split"

[node.tap]
type = "tap"
"#;

fn load(routes: &[&str]) -> Result<Loaded, Diagnostics> {
    let mut text = NODES.to_owned();
    text.push_str("\n[graph]\nroutes = [\n");
    for route in routes {
        text.push_str(&format!("  '{route}',\n"));
    }
    text.push_str("]\n");
    config::parse(&text, "test.toml", &LoadOptions::default(), &support::Types)
}

fn graph(routes: &[&str]) -> Graph {
    load(routes).unwrap_or_else(|wrong| panic!("{wrong}")).graph
}

fn texts(routes: &[&str]) -> Vec<String> {
    graph(routes).routes.into_iter().map(|route| route.text).collect()
}

fn node(graph: &Graph, name: &str) -> usize {
    graph.nodes.iter().position(|node| node.name == name).expect("a node of the test")
}

/// `(node, group, channel, control)` of each side.
fn maps(routes: &[&str]) -> Vec<String> {
    let graph = graph(routes);
    let side = |control: &ControlRef| {
        let port = &graph.nodes[control.at.node].ports.inputs[usize::from(control.at.port)];
        format!(
            "{}:{port} {} {} {:?}",
            graph.nodes[control.at.node].name, control.group, control.channel, control.control
        )
    };
    graph.maps.iter().map(|map| format!("{} > {}", side(&map.from), side(&map.to))).collect()
}

#[test]
fn an_arrow_joins_two_endpoints() {
    let graph = graph(&["pads -> lights"]);
    let (pads, lights) = (node(&graph, "pads"), node(&graph, "lights"));
    assert_eq!(graph.routes.len(), 1);
    assert_eq!(graph.routes[0].hops, [(PortRef { node: pads, port: 0 }, PortRef { node: lights, port: 0 })]);
    assert_eq!(graph.routes[0].text, "pads -> lights");
}

#[test]
fn a_left_arrow_is_the_same_route_written_from_its_end() {
    assert_eq!(texts(&["lights <- pads"]), ["pads -> lights"]);
    assert_eq!(texts(&["lights <- down <- up <- pads"]), ["pads -> up -> down -> lights"]);
}

#[test]
fn a_double_arrow_is_two_routes() {
    assert_eq!(texts(&["pads <-> lights"]), ["pads -> lights", "lights -> pads"]);
}

#[test]
fn a_chain_is_cut_into_hops() {
    let graph = graph(&["pads -> up -> down -> lights"]);
    let names = ["pads", "up", "down", "lights"].map(|name| node(&graph, name));
    let hops: Vec<_> = graph.routes[0].hops.iter().map(|(from, to)| (from.node, to.node)).collect();
    assert_eq!(hops, [(names[0], names[1]), (names[1], names[2]), (names[2], names[3])]);
}

#[test]
fn spaces_around_arrows_do_not_matter() {
    assert_eq!(texts(&["pads->up->lights"]), ["pads -> up -> lights"]);
    assert_eq!(texts(&["  pads   <->lights "]), ["pads -> lights", "lights -> pads"]);
}

#[test]
fn a_colon_names_a_port() {
    let graph = graph(&["pads -> sw:spare -> lights", "desk:right -> a1"]);
    assert_eq!(graph.routes[0].hops[0].1, PortRef { node: node(&graph, "sw"), port: 1 });
    assert_eq!(graph.routes[1].hops[0].0, PortRef { node: node(&graph, "desk"), port: 1 });
    assert_eq!(graph.routes[1].text, "desk:right -> a1");
}

#[test]
fn inside_a_chain_a_port_may_be_an_input_or_an_output() {
    let graph = graph(&["pads -> zones:high -> lights"]);
    let zones = node(&graph, "zones");
    assert_eq!(graph.routes[0].hops[0].1, PortRef { node: zones, port: 0 });
    assert_eq!(graph.routes[0].hops[1].0, PortRef { node: zones, port: 1 });
}

#[test]
fn a_processor_without_outputs_ends_a_chain() {
    assert_eq!(texts(&["pads -> up -> tap"]), ["pads -> up -> tap"]);
}

#[test]
fn a_route_may_begin_and_end_at_processors_that_others_continue() {
    assert_eq!(texts(&["pads -> up", "up -> lights"]), ["pads -> up", "up -> lights"]);
}

#[test]
fn ranges_count_up_and_down() {
    assert_eq!(texts(&["a{1..3} -> lights"]), ["a1 -> lights", "a2 -> lights", "a3 -> lights"]);
    assert_eq!(texts(&["pads -> a{3..1}"]), ["pads -> a3", "pads -> a2", "pads -> a1"]);
    assert_eq!(texts(&["a{1..2} -> a{3..2}"]), ["a1 -> a3", "a2 -> a2"]);
}

#[test]
fn lists_name_their_entries_in_order() {
    assert_eq!(texts(&["{pads, a2} -> lights"]), ["pads -> lights", "a2 -> lights"]);
    assert_eq!(texts(&["a{1,3} -> lights"]), ["a1 -> lights", "a3 -> lights"]);
    assert_eq!(texts(&["a{1..2,3} -> lights"]), ["a1 -> lights", "a2 -> lights", "a3 -> lights"]);
    assert_eq!(texts(&["desk:{left,right} -> lights"]), ["desk:left -> lights", "desk:right -> lights"]);
}

#[test]
fn a_single_part_of_a_chain_serves_all() {
    assert_eq!(texts(&["a{1..2} -> up -> lights"]), ["a1 -> up -> lights", "a2 -> up -> lights"]);
    assert_eq!(
        texts(&["desk:{left,right} -> {up,down} -> a{1..2}"]),
        ["desk:left -> up -> a1", "desk:right -> down -> a2"]
    );
}

#[test]
fn the_rightmost_group_varies_fastest() {
    assert_eq!(
        maps(&["pads.ch{1,2}.cc{10,11} -> lights.ch1.note{60..63}"]),
        [
            "pads: 0 0 Cc(10) > lights: 0 0 Note(60)",
            "pads: 0 0 Cc(11) > lights: 0 0 Note(61)",
            "pads: 0 1 Cc(10) > lights: 0 0 Note(62)",
            "pads: 0 1 Cc(11) > lights: 0 0 Note(63)",
        ]
    );
}

#[test]
fn several_groups_may_stand_in_one_number() {
    assert_eq!(
        maps(&["pads.ch1.cc{1,2}{0,1} -> lights.ch1.cc1"]),
        [10, 11, 20, 21].map(|number| format!("pads: 0 0 Cc({number}) > lights: 0 0 Cc(1)"))
    );
}

#[test]
fn ranges_are_padded_with_zeros_when_they_begin_so() {
    let text = "[node.pad01]\ntype='ip-midi'\n[node.pad02]\ntype='ip-midi'\n[graph]\nroutes=['pad{01..02} -> pad01']\n";
    let loaded = config::parse(text, "t", &LoadOptions::default(), &support::Types).expect("a good graph");
    let texts: Vec<_> = loaded.graph.routes.iter().map(|route| route.text.as_str()).collect();
    assert_eq!(texts, ["pad01 -> pad01", "pad02 -> pad01"]);
}

#[test]
fn channels_and_groups_count_from_one() {
    assert_eq!(
        maps(&["pads.ch1.cc7 -> lights.channel16.cc7", "pads.g16.ch10.note36 -> desk:right.g1.ch1.note0"]),
        ["pads: 0 0 Cc(7) > lights: 0 15 Cc(7)", "pads: 15 9 Note(36) > desk:right 0 0 Note(0)"]
    );
}

#[test]
fn all_controls_have_their_words() {
    let graph = graph(&[
        "pads.ch1.note127 -> lights.ch1.cc127",
        "pads.ch1.pressure60 -> lights.ch1.aftertouch",
        "pads.ch1.pitch -> lights.ch1.program",
        "pads.ch1.rpn16383 -> lights.ch1.nrpn0",
    ]);
    let controls: Vec<Control> =
        graph.maps.iter().flat_map(|map| [map.from.control, map.to.control]).collect();
    assert_eq!(
        controls,
        [
            Control::Note(127),
            Control::Cc(127),
            Control::Pressure(60),
            Control::Aftertouch,
            Control::Pitch,
            Control::Program,
            Control::Rpn(16_383),
            Control::Nrpn(0),
        ]
    );
}

#[test]
fn control_maps_go_both_ways_too() {
    assert_eq!(
        maps(&["pads.ch1.cc1 <-> lights.ch2.cc2"]),
        ["pads: 0 0 Cc(1) > lights: 0 1 Cc(2)", "lights: 0 1 Cc(2) > pads: 0 0 Cc(1)"]
    );
    assert_eq!(maps(&["pads.ch1.cc1 <- lights.ch2.cc2"]), ["lights: 0 1 Cc(2) > pads: 0 0 Cc(1)"]);
}

#[test]
fn endpoints_may_echo_to_each_other() {
    assert_eq!(texts(&["pads -> lights", "lights -> pads"]).len(), 2);
}

#[test]
fn an_echo_that_is_written_out_gets_no_warning() {
    let loaded = load(&["pads -> up -> pads"]).expect("a good graph");
    assert!(loaded.warnings.items.iter().all(|item| item.code != "echo"), "{}", loaded.warnings);
}

#[test]
fn a_double_has_no_effect() {
    let graph = graph(&[
        "pads -> lights",
        "pads -> lights",
        "pads.ch1.cc{1..4} -> a1.ch1.cc1",
        "pads.ch1.cc2 -> a1.ch1.cc1",
    ]);
    assert_eq!((graph.routes.len(), graph.maps.len()), (1, 4));
}

#[test]
fn sixty_five_thousand_maps_on_one_line_load_quickly() {
    let started = std::time::Instant::now();
    let graph = graph(&["pads.ch{1..4}.nrpn{0..16383} -> lights.ch{1..4}.nrpn{16383..0}"]);
    let took = started.elapsed();
    println!("65,536 maps: {took:?}");
    assert_eq!(graph.maps.len(), 65_536);
    let last: ControlMap = graph.maps[65_535];
    assert_eq!((last.from.channel, last.from.control), (3, Control::Nrpn(16_383)));
    assert_eq!((last.to.channel, last.to.control), (3, Control::Nrpn(0)));
    // Optimised it takes some 7 ms; without, and beside other tests, more.
    assert!(took.as_millis() < 1_000, "{took:?}");
}
