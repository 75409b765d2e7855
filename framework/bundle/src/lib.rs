//! All node types that ship with Midibay, for programs that link them in:
//! `for module in midibay_bundle::modules() { registry.add(module)?; }`.

use midibay_plugin::Module;

/// The plugins, sorted by the node type they bring. Each brings one.
pub fn modules() -> Vec<Module> {
    vec![
        midibay_curve::module(),
        midibay_file::module(),
        midibay_filter::module(),
        midibay_ip_midi::module(),
        midibay_limit::module(),
        midibay_monitor::module(),
        midibay_remap::module(),
        midibay_split::module(),
        midibay_switch::module(),
        midibay_transpose::module(),
    ]
}

/// Whether a node of type `file` with these options (a JSON object) plays a MIDI file, and so comes to
/// an end: its property `state` says `ended` then.
pub fn plays_a_file(options: &serde_json::Value) -> bool {
    use serde::Deserialize;
    midibay_file::Config::deserialize(options).is_ok_and(|config| config.mode() == midibay_file::Mode::Play)
}
