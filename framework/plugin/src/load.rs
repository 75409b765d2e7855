//! Opens plugin libraries. For the program; needs the feature `load`.

use std::fmt;
use std::path::{Path, PathBuf};

use abi_stable::library::{LibraryError, lib_header_from_path};
use abi_stable::std_types::{RErr, ROk};

use crate::abi::{ABI_REVISION, PluginRootRef};
use crate::module::Module;

/// Why a file was not loaded: one line for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for LoadError {}

/// Loads a plugin library. It stays loaded until the program ends, and the same file again is the same
/// library: a new version needs a new file name. `[main]`
///
/// # Errors
/// It cannot be read, is for another machine, is no plugin, speaks another revision of the ABI, or its
/// module panicked.
pub fn open(path: &Path) -> Result<Module, LoadError> {
    let fail = |reason: String| LoadError { path: path.to_owned(), reason };
    // A name without a slash would be looked for in the system's directories.
    let path = path.canonicalize().map_err(|e| fail(e.to_string()))?;
    check_machine(&path).map_err(fail)?;
    check_revision(&path).map_err(fail)?;
    let header = lib_header_from_path(&path).map_err(|e| fail(one_line(&e, &path)))?;
    let root = header.init_root_module::<PluginRootRef>().map_err(|e| fail(one_line(&e, &path)))?;
    match root.module()() {
        ROk(module) => Ok(module.into()),
        RErr(text) => Err(fail(format!("its code panicked while it was loaded: {text}"))),
    }
}

/// `abi_stable` reports a layout that differs in thousands of characters.
fn one_line(error: &LibraryError, path: &Path) -> String {
    match error {
        LibraryError::OpenError { err, .. } => format!("the system cannot load it: {}", words(err, path)),
        LibraryError::GetSymbolError { .. } => "is a library, but no Midibay plugin".to_owned(),
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => format!(
            "was built with midibay-plugin {actual_version}, and this Midibay has {expected_version}; rebuild it"
        ),
        LibraryError::AbiInstability(_)
        | LibraryError::InvalidAbiHeader(_)
        | LibraryError::InvalidCAbi { .. } => {
            format!(
                "its data layouts differ from those of midibay-plugin {}; rebuild it with this version",
                env!("CARGO_PKG_VERSION")
            )
        }
        other => other.to_string().lines().next().unwrap_or("cannot be loaded").to_owned(),
    }
}

/// The system's own words, which stand behind those of `libloading`, without the path that they begin with.
fn words(error: &dyn std::error::Error, path: &Path) -> String {
    let first = std::iter::successors(Some(error), |e| e.source()).last().unwrap_or(error);
    let text = first.to_string().lines().next().unwrap_or_default().to_owned();
    let path = format!("{}: ", path.display());
    text.strip_prefix(&path).map(str::to_owned).unwrap_or(text)
}

fn check_machine(path: &Path) -> Result<(), String> {
    let metadata = path.metadata().map_err(|e| e.to_string())?;
    if metadata.is_dir() {
        return Err("is a folder, not a plugin library".to_owned());
    }
    // Reading a pipe or a device might never end.
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    inspect(&std::fs::read(path).map_err(|e| e.to_string())?)
}

/// Looks at a library's own header before anything of it is run: the system's loader says "no such
/// file" when the machine differs. `[main]`
///
/// # Errors
/// Why these bytes are no library of this machine, in words that follow the file's name.
pub fn inspect(bytes: &[u8]) -> Result<(), String> {
    use object::{Architecture, BinaryFormat, Object};
    let file = object::File::parse(bytes).map_err(|_| "is not a dynamic library".to_owned())?;
    let here = match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "x86" => Architecture::I386,
        "aarch64" => Architecture::Aarch64,
        "arm" => Architecture::Arm,
        "riscv64" => Architecture::Riscv64,
        _ => file.architecture(),
    };
    let format = if cfg!(target_os = "macos") {
        BinaryFormat::MachO
    } else if cfg!(windows) {
        BinaryFormat::Pe
    } else {
        BinaryFormat::Elf
    };
    if file.architecture() != here || file.format() != format {
        return Err(format!(
            "was built for {:?} ({:?}), and this machine is {here:?} ({format:?})",
            file.architecture(),
            file.format()
        ));
    }
    Ok(())
}

/// Reads the exported revision before any layout is trusted.
fn check_revision(path: &Path) -> Result<(), String> {
    // SAFETY: loading runs the library's initialisers, as loading it for good would; the symbol is a
    // `u32` in every library that has it.
    let revision = unsafe {
        let library = libloading::Library::new(path)
            .map_err(|e| format!("the system cannot load it: {}", words(&e, path)))?;
        let revision =
            library.get::<*const u32>(b"midibay_abi_revision\0").map(|symbol| **symbol).map_err(|_| ());
        // Unloading a library that has a thread-local destructor is not safe everywhere.
        std::mem::forget(library);
        revision
    };
    match revision {
        Ok(ABI_REVISION) => Ok(()),
        Ok(other) => Err(format!(
            "speaks revision {other} of the plugin ABI, and this Midibay speaks {ABI_REVISION}; rebuild it"
        )),
        Err(()) => Err("is a library, but no Midibay plugin".to_owned()),
    }
}
