//! The dozen functions of libjack a test client needs, looked up when it starts: nothing of JACK
//! is needed to build this crate.
//!
//! One client with a MIDI output and a MIDI input. Its callback locks and allocates, which the
//! dummy driver of the lab's server forgives.

use std::ffi::{CStr, CString, c_char, c_int, c_ulong, c_void};
use std::ptr;
use std::sync::mpsc::{Receiver, Sender, channel};

use libloading::Library;

const NO_START_SERVER: c_int = 1;
const PORT_IS_INPUT: c_ulong = 1;
const PORT_IS_OUTPUT: c_ulong = 2;
const MIDI: &CStr = c"8 bit raw midi";

type ClientPtr = *mut c_void;
type PortPtr = *mut c_void;
type ProcessFn = extern "C" fn(u32, *mut c_void) -> c_int;

/// `jack_midi_event_t`.
#[repr(C)]
struct MidiEvent {
    time: u32,
    size: usize,
    buffer: *mut u8,
}

/// What went wrong with libjack, in words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The library or one of its functions is missing.
    #[error("libjack cannot be used (Debian: apt-get install jackd2): {0}")]
    Library(#[from] libloading::Error),
    /// No server, or it refused.
    #[error("the JACK server does not answer")]
    NoServer,
    /// Two ports could not be connected.
    #[error("cannot connect {0} to {1}: do both ports exist?")]
    Connect(String, String),
    /// A name with a zero byte, or a call that must not fail did.
    #[error("JACK refused {0}")]
    Refused(&'static str),
}

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)+) => {
        /// The functions, by their names in `jack/jack.h` and `jack/midiport.h`.
        struct Functions { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+ }

        impl Functions {
            fn load(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: each name stands in JACK's headers with exactly this signature. The
                // library stays loaded: whoever holds the functions holds it too.
                unsafe { Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0").as_bytes())?,)+ }) }
            }
        }
    };
}

functions! {
    jack_client_open: fn(*const c_char, c_int, *mut c_int) -> ClientPtr;
    jack_client_close: fn(ClientPtr) -> c_int;
    jack_port_register: fn(ClientPtr, *const c_char, *const c_char, c_ulong, c_ulong) -> PortPtr;
    jack_port_name: fn(PortPtr) -> *const c_char;
    jack_port_get_buffer: fn(PortPtr, u32) -> *mut c_void;
    jack_set_process_callback: fn(ClientPtr, ProcessFn, *mut c_void) -> c_int;
    jack_activate: fn(ClientPtr) -> c_int;
    jack_connect: fn(ClientPtr, *const c_char, *const c_char) -> c_int;
    jack_midi_get_event_count: fn(*mut c_void) -> u32;
    jack_midi_event_get: fn(*mut MidiEvent, *mut c_void, u32) -> c_int;
    jack_midi_clear_buffer: fn(*mut c_void);
    jack_midi_event_write: fn(*mut c_void, u32, *const u8, usize) -> c_int;
}

/// What the callback works with.
struct Shared {
    functions: Functions,
    input: PortPtr,
    output: PortPtr,
    to_play: Receiver<Vec<u8>>,
    hear: Sender<Vec<u8>>,
}

/// An active JACK client with the ports `in` and `out`.
pub struct Client {
    client: ClientPtr,
    shared: Box<Shared>,
    play: Sender<Vec<u8>>,
    // Last: the functions above are its.
    _library: Library,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Opens a client on the running server; the receiver gives each event it hears.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open(name: &str) -> Result<(Self, Receiver<Vec<u8>>), ClientError> {
        let name = CString::new(name).map_err(|_| ClientError::Refused("a name with a zero byte"))?;
        // SAFETY: libjack's initialisers have no preconditions.
        let library = unsafe { Library::new("libjack.so.0")? };
        let functions = Functions::load(&library)?;
        // SAFETY: the name is a C string; a null status pointer is allowed.
        let client = unsafe { (functions.jack_client_open)(name.as_ptr(), NO_START_SERVER, ptr::null_mut()) };
        if client.is_null() {
            return Err(ClientError::NoServer);
        }
        let register = |name: &CStr, flags| {
            // SAFETY: the client is open, both strings are C strings.
            unsafe { (functions.jack_port_register)(client, name.as_ptr(), MIDI.as_ptr(), flags, 0) }
        };
        let (input, output) = (register(c"in", PORT_IS_INPUT), register(c"out", PORT_IS_OUTPUT));
        let (play, to_play) = channel();
        let (hear, heard) = channel();
        let shared = Box::new(Shared { functions, input, output, to_play, hear });
        let this = Self { client, shared, play, _library: library };
        if input.is_null() || output.is_null() {
            return Err(ClientError::Refused("to register a port"));
        }
        let data = ptr::from_ref(&*this.shared).cast_mut().cast();
        let functions = &this.shared.functions;
        // SAFETY: the data lives in a box until the client is closed, which ends the callbacks;
        // from here on only the callback uses what is not shareable in it, the two channel ends.
        let failed = unsafe {
            (functions.jack_set_process_callback)(client, process, data) | (functions.jack_activate)(client)
        };
        if failed != 0 {
            return Err(ClientError::Refused("to activate the client"));
        }
        Ok((this, heard))
    }

    /// Connects the output to the port `into`, and the port `from` to the input.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub fn connect(&self, into: &str, from: &str) -> Result<(), ClientError> {
        let name = |port| {
            // SAFETY: both ports are registered; the name stays while the port does.
            unsafe { CStr::from_ptr((self.shared.functions.jack_port_name)(port)) }.to_owned()
        };
        let text =
            |name: &str| CString::new(name).map_err(|_| ClientError::Refused("a name with a zero byte"));
        for (source, target) in
            [(name(self.shared.output), text(into)?), (text(from)?, name(self.shared.input))]
        {
            // SAFETY: the client is active, both names are C strings.
            let failed = unsafe {
                (self.shared.functions.jack_connect)(self.client, source.as_ptr(), target.as_ptr())
            };
            if failed != 0 {
                let words = |name: CString| name.to_string_lossy().into_owned();
                return Err(ClientError::Connect(words(source), words(target)));
            }
        }
        Ok(())
    }

    /// Plays `bytes` as one event in the next cycle.
    ///
    /// # Errors
    /// [`ClientError::Refused`], never while the client is open.
    pub fn play(&self, bytes: Vec<u8>) -> Result<(), ClientError> {
        self.play.send(bytes).map_err(|_| ClientError::Refused("an event of a closed client"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: the client is open and closed here only. After this no callback runs.
        unsafe { (self.shared.functions.jack_client_close)(self.client) };
    }
}

extern "C" fn process(frames: u32, data: *mut c_void) -> c_int {
    // SAFETY: `data` is the box of a client that has not been closed.
    let shared = unsafe { &*data.cast::<Shared>() };
    let functions = &shared.functions;
    // SAFETY: this is the process callback, where the ports' buffers may be asked for; they are
    // used within this cycle only. The event is plain data that the call fills in; its bytes are
    // valid for the cycle.
    unsafe {
        let input = (functions.jack_port_get_buffer)(shared.input, frames);
        for index in 0..(functions.jack_midi_get_event_count)(input) {
            let mut event = MidiEvent { time: 0, size: 0, buffer: ptr::null_mut() };
            if (functions.jack_midi_event_get)(&raw mut event, input, index) == 0 {
                let bytes = std::slice::from_raw_parts(event.buffer, event.size).to_vec();
                // Nobody listens any more: the program is about to end.
                let _ = shared.hear.send(bytes);
            }
        }
        let output = (functions.jack_port_get_buffer)(shared.output, frames);
        (functions.jack_midi_clear_buffer)(output);
        for bytes in shared.to_play.try_iter() {
            if (functions.jack_midi_event_write)(output, 0, bytes.as_ptr(), bytes.len()) != 0 {
                eprintln!("cannot play {} bytes: the cycle's buffer is full", bytes.len());
            }
        }
    }
    0
}
