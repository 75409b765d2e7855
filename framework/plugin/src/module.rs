//! A plugin as one value: the same whether it is linked in or loaded from a file.

use crate::abi::{RawModule, RawNodeType};
use crate::glue;
use crate::node::{Endpoint, Processor};

/// A plugin: its name, version, licence and node types. Make it with [`crate::module!`]. All its functions
/// are `[main]`.
#[derive(Clone)]
pub struct Module(RawModule);

impl Module {
    /// A plugin without node types yet. `license` is an SPDX expression.
    pub fn new(name: &str, version: &str, license: &str) -> Self {
        Self(RawModule {
            name: name.into(),
            version: version.into(),
            license: license.into(),
            node_types: abi_stable::std_types::RVec::new(),
        })
    }

    /// Adds a processor type.
    #[must_use]
    pub fn processor<N: Processor>(self) -> Self {
        self.node_type(glue::processor_type::<N>())
    }

    /// Adds an endpoint type.
    #[must_use]
    pub fn endpoint<N: Endpoint>(self) -> Self {
        self.node_type(glue::endpoint_type::<N>())
    }

    /// Adds the node types of another plugin: for a library that holds several.
    #[must_use]
    pub fn with_all_of(mut self, other: Self) -> Self {
        self.0.node_types.extend(other.0.node_types);
        self
    }

    fn node_type(mut self, node_type: RawNodeType) -> Self {
        self.0.node_types.push(node_type);
        self
    }

    /// For the program: what is inside.
    pub fn into_raw(self) -> RawModule {
        self.0
    }
}

impl From<RawModule> for Module {
    fn from(raw: RawModule) -> Self {
        Self(raw)
    }
}

/// A [`Module`] that takes its name, version and licence from the crate it stands in:
/// `midibay_plugin::module!().processor::<MyNode>()`.
#[macro_export]
macro_rules! module {
    () => {
        $crate::Module::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_LICENSE"))
    };
}

/// Makes the crate, a `cdylib`, a plugin library: `midibay_plugin::export!(module);` where `module` is a
/// function without arguments that returns a [`Module`]. Once in a library.
#[macro_export]
macro_rules! export {
    ($module:path) => {
        const _: () = {
            use $crate::private::{self, RResult, RString};

            #[unsafe(export_name = "midibay_abi_revision")]
            static REVISION: u32 = $crate::abi::ABI_REVISION;

            // `$module` may have any name, so these must not be likely ones.
            extern "C" fn midibay_module() -> RResult<$crate::abi::RawModule, RString> {
                private::guard_module($module)
            }

            fn midibay_root() -> $crate::abi::PluginRootRef {
                private::root(midibay_module)
            }

            extern "C" fn midibay_loader() -> private::RootModuleResult {
                private::__call_root_module_loader(midibay_root)
            }

            // The name under which `abi_stable` looks for a library's root.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: private::LibHeader = unsafe {
                private::LibHeader::from_constructor::<$crate::abi::PluginRootRef>(
                    midibay_loader,
                    private::CheckTypeLayout::Yes,
                )
            };
        };
    };
}
