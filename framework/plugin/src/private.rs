//! For [`crate::export!`] only.

use std::panic::catch_unwind;

use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::std_types::{RErr, ROk};

use crate::abi::{PluginRoot, PluginRootRef, RawModule};
use crate::glue::{forget_panic, panic_text};
use crate::module::Module;

pub use abi_stable::library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult};
pub use abi_stable::std_types::{RResult, RString};

/// The root of a library.
pub fn root(module: extern "C" fn() -> RResult<RawModule, RString>) -> PluginRootRef {
    PluginRoot { module }.leak_into_prefix()
}

/// Builds the module; a panic becomes its text.
pub fn guard_module(module: fn() -> Module) -> RResult<RawModule, RString> {
    match catch_unwind(module) {
        Ok(module) => ROk(module.into_raw()),
        Err(payload) => {
            let text = panic_text(&*payload);
            forget_panic(payload);
            RErr(text.into())
        }
    }
}
