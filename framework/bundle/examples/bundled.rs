//! Everything that ships with Midibay as one plugin library, so that tests and benchmarks can hold
//! the loaded node types against the linked ones.

use midibay_plugin::Module;

fn module() -> Module {
    midibay_bundle::modules().into_iter().fold(midibay_plugin::module!(), Module::with_all_of)
}

midibay_plugin::export!(module);
