//! Whole plugin libraries, as cargo builds them: each brings its own module, a panic in one stays inside,
//! and one that cannot be used is refused in a line.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use midibay_plugin::abi::RawModule;
use midibay_plugin::load;
use midibay_plugin::testing::Rig;
use midibay_plugin::ump::Ump;
use serde_json::json;

/// A plugin whose node doubles each event, and panics at a Note On of velocity 127. Its module is called
/// `doubler-N`, where N is how often this library was asked for it.
const DOUBLER: &str = r#"
use std::sync::atomic::{AtomicU32, Ordering};

use midibay_plugin::schemars::JsonSchema;
use midibay_plugin::serde::Deserialize;
use midibay_plugin::{CommandError, ConfigError, Event, Host, Module, NoCommand, Node, NodeError, Out, Processor, Ump};

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "midibay_plugin::serde", deny_unknown_fields)]
#[schemars(crate = "midibay_plugin::schemars")]
struct Config {}

struct Doubler;

impl Node for Doubler {
    const TYPE: &'static str = "doubler";
    const ABOUT: &'static str = "Sends all twice.";
    type Config = Config;
    type Params = ();
    type Command = NoCommand;

    fn compile(_: Config) -> Result<(), Vec<ConfigError>> {
        Ok(())
    }
    fn in_place(_: &Config, _: &Config) -> bool {
        true
    }
    fn new((): (), _: Host) -> Result<Self, NodeError> {
        Ok(Self)
    }
    fn reconfigure(&mut self, (): &mut (), _: u64, _: &mut Out) {}
    fn command(&mut self, command: &mut NoCommand, _: u64, _: &mut Out) -> Result<(), CommandError> {
        match *command {}
    }
}

impl Processor for Doubler {
    fn process(&mut self, events: &[Event], _: u64, out: &mut Out) {
        for event in events {
            assert!(event.ump != Ump::note_on(0, 0, 60, 127), "too loud");
            out.extend(&[*event, *event]);
        }
    }
}

pub fn module() -> Module {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
    Module::new(&format!("doubler-{asked}"), "1.0.0", "MIT").processor::<Doubler>()
}

midibay_plugin::export!(module);
"#;

/// A package of a test, in the target folder, that goes with the test.
struct Package(PathBuf);

impl Package {
    fn new(name: &str, code: &str) -> Self {
        let folder = lab::artifact::target_folder().join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("src")).unwrap();
        let root = lab::artifact::repository();
        let plugin = root.join("framework/plugin");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [lib]\ncrate-type = [\"cdylib\"]\n\n[dependencies]\nmidibay-plugin = {{ path = {plugin:?} }}\n\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("src/lib.rs"), code).unwrap();
        // The locked versions of an example, so that nothing has to be looked up or built anew.
        fs::copy(root.join("examples/plugins/chord/Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        Self(folder)
    }

    fn library(&self) -> PathBuf {
        lab::artifact::build_cdylib(&self.0.join("Cargo.toml")).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bundled() -> PathBuf {
    lab::artifact::build_example("midibay-bundle", "bundled").unwrap_or_else(|error| panic!("{error}"))
}

fn open(path: &Path) -> RawModule {
    load::open(path).unwrap_or_else(|error| panic!("{error}")).into_raw()
}

fn reason(path: &Path) -> String {
    let text = load::open(path).err().expect("it was loaded").to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.strip_prefix(&format!("{}: ", path.display())).expect("the file's name comes first").to_owned()
}

#[test]
fn libraries_are_told_apart_by_their_files_and_a_panic_in_one_stays_inside() {
    let package = Package::new("lab-doubler", DOUBLER);
    let library = package.library();
    let bundle = open(&bundled());
    let doubler = open(&library);
    assert_eq!((bundle.name.as_str(), doubler.name.as_str()), ("midibay-bundle", "doubler-1"));
    assert!(bundle.node_types.len() > 5 && doubler.node_types.len() == 1);
    assert_eq!(open(&library).name.as_str(), "doubler-2", "the same file is the same library");
    // A new version of a plugin comes under a new name, since the old one is never unloaded.
    let copy = package.0.join("copy").with_extension(std::env::consts::DLL_EXTENSION);
    fs::copy(&library, &copy).unwrap();
    assert_eq!(open(&copy).name.as_str(), "doubler-1", "another file is another library");

    let mut rig = Rig::of_type(doubler.node_types[0].clone(), json!({})).unwrap();
    let (quiet, loud) = (Ump::note_on(0, 0, 60, 1), Ump::note_on(0, 0, 60, 127));
    assert_eq!(rig.packets(0, &[quiet; 3]), [quiet; 6]);
    let wrong = Rig::of_type(doubler.node_types[0].clone(), json!({ "tripple": true })).err().unwrap();
    assert_eq!(wrong[0].path, "tripple");
    let said = catch_unwind(AssertUnwindSafe(|| rig.packets(0, &[loud]))).unwrap_err();
    let said = said.downcast_ref::<String>().expect("the rig says that the node panicked");
    assert!(said.contains("the node panicked"), "{said}");
    let mut anew = Rig::of_type(doubler.node_types[0].clone(), json!({})).unwrap();
    assert_eq!(anew.packets(0, &[quiet]), [quiet; 2], "a node made anew works");
}

#[test]
fn a_plugin_that_panics_as_it_is_loaded_says_with_what() {
    let code = "fn module() -> midibay_plugin::Module {\n    panic!(\"no {} here\", \"licence\")\n}\n\
                midibay_plugin::export!(module);\n";
    let package = Package::new("lab-panicking", code);
    assert_eq!(reason(&package.library()), "its code panicked while it was loaded: no licence here");
}

#[cfg(target_os = "linux")]
#[test]
fn a_plugin_for_another_machine_or_half_copied_is_refused() {
    let mut bytes = fs::read(bundled()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("half.so");
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(reason(&half), "is not a dynamic library");
    // ELF, `e_machine`: 183 is AArch64, 62 is x86-64.
    let (machine, name) = if cfg!(target_arch = "aarch64") { (62_u16, "X86_64") } else { (183, "Aarch64") };
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    let other = folder.path().join("other.so");
    fs::write(&other, bytes).unwrap();
    let text = reason(&other);
    assert!(text.starts_with(&format!("was built for {name} (Elf), and this machine is ")), "{text}");
}
