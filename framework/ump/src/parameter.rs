//! Registered and non-registered parameter numbers (RPN, NRPN) of MIDI 1.0: several control changes
//! that make one value (M1-1.0, "Registered and Non-Registered Parameter Numbers").

use alloc::boxed::Box;

use crate::Ump;

/// A parameter got a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParameterChange {
    /// 0-15.
    pub group: u8,
    /// 0-15.
    pub channel: u8,
    /// RPN (selected by controllers 101 and 100), else NRPN (99 and 98).
    pub registered: bool,
    /// Which one, 14-bit.
    pub number: u16,
    /// The value it has now, 14-bit.
    pub value: u16,
    /// 0 after a data entry; 1 and -1 after a data increment and decrement (96, 97), which count
    /// from 0 if the parameter had no value since it was selected.
    pub step: i8,
}

/// What a channel's data entry goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Selected {
    /// No parameter was ever selected.
    #[default]
    Nothing,
    Registered(u16),
    Assignable(u16),
}

/// The number that selects nothing: 127, 127.
pub(crate) const NULL: u16 = 0x3FFF;

impl Selected {
    /// The selection after a control change, if the controller is one that selects.
    pub(crate) const fn after(self, controller: u8, value: u8) -> Option<Self> {
        let value = value as u16 & 0x7F;
        // A half that never came counts as 127, like the null parameter's.
        let registered = match self {
            Self::Registered(number) => number,
            _ => NULL,
        };
        let assignable = match self {
            Self::Assignable(number) => number,
            _ => NULL,
        };
        Some(match controller {
            101 => Self::Registered(registered & 0x7F | value << 7),
            100 => Self::Registered(registered & 0x3F80 | value),
            99 => Self::Assignable(assignable & 0x7F | value << 7),
            98 => Self::Assignable(assignable & 0x3F80 | value),
            _ => return None,
        })
    }

    /// Kind and number of the selected parameter; `None` if nothing or the null parameter is.
    pub(crate) const fn parameter(self) -> Option<(bool, u16)> {
        match self {
            Self::Nothing | Self::Registered(NULL) | Self::Assignable(NULL) => None,
            Self::Registered(number) => Some((true, number)),
            Self::Assignable(number) => Some((false, number)),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    selected: Selected,
    value: u16,
}

/// Follows controllers 6, 38, 96-101 and 121 on 16 groups of 16 channels and says which parameter got
/// which value. About 1.5 KB; no heap of its own.
///
/// A data entry MSB (6) counts at once, with an LSB of 0, and the LSB (38) that may follow corrects
/// it: many devices send the MSB alone, and nothing tells them apart. So a 14-bit value arrives as
/// two changes, the second one exact.
#[derive(Clone, Debug)]
pub struct ParameterNumbers {
    channels: [Channel; 256],
}

impl Default for ParameterNumbers {
    fn default() -> Self {
        Self::new()
    }
}

impl ParameterNumbers {
    /// Nothing selected anywhere. `[any]`
    pub const fn new() -> Self {
        Self { channels: [Channel { selected: Selected::Nothing, value: 0 }; 256] }
    }

    /// Nothing selected anywhere, on the heap. `[main]`
    pub fn boxed() -> Box<Self> {
        Box::default()
    }

    /// Is this a MIDI 1.0 control change that selects a parameter or carries its data: controller
    /// 6, 38 or 96-101? `[engine]`
    #[inline]
    pub const fn concerns(ump: &Ump) -> bool {
        ump.head() >> 20 & 0xF0F == 0x20B && matches!(ump.data1(), 6 | 38 | 96..=101)
    }

    /// Takes note of a packet and says if it gave a parameter a value. A MIDI 2.0 registered or
    /// assignable controller is a whole change by itself. `[engine]`
    #[inline]
    pub fn apply(&mut self, ump: &Ump) -> Option<ParameterChange> {
        match ump.head() >> 20 & 0xF0F {
            0x20B if matches!(ump.data1(), 6 | 38 | 96..=101) => self.control(ump),
            // Reset All Controllers also deselects (RP-015).
            0x20B if ump.data1() == 121 => {
                self.channels[ump.channel_index()].selected = Selected::Registered(NULL);
                None
            }
            status @ (0x402 | 0x403) => Some(ParameterChange {
                group: ump.group(),
                channel: ump.channel_index() as u8 & 0xF,
                registered: status == 0x402,
                number: u16::from(ump.data1() & 0x7F) << 7 | u16::from(ump.data2() & 0x7F),
                value: (ump.raw()[1] >> 18) as u16,
                step: 0,
            }),
            _ => None,
        }
    }

    /// Which parameter the channel's data entry goes to, as (registered, 14-bit number). Group and
    /// channel 0-15. `[engine]`
    pub const fn selected(&self, group: u8, channel: u8) -> Option<(bool, u16)> {
        self.channels[((group & 0xF) << 4 | channel & 0xF) as usize].selected.parameter()
    }

    /// Was no parameter, not even the null one, selected on the packet's channel so far?
    #[inline]
    pub(crate) const fn is_untouched(&self, ump: &Ump) -> bool {
        matches!(self.channels[ump.channel_index()].selected, Selected::Nothing)
    }

    fn control(&mut self, ump: &Ump) -> Option<ParameterChange> {
        let (controller, data) = (ump.data1(), ump.data2() & 0x7F);
        let channel = &mut self.channels[ump.channel_index()];
        if let Some(selected) = channel.selected.after(controller, data) {
            // Running through the same selection again, as careful senders do, keeps the value.
            if selected.parameter().is_some() && selected != channel.selected {
                channel.value = 0;
            }
            channel.selected = selected;
            return None;
        }
        let (registered, number) = channel.selected.parameter()?;
        let mut step = 0;
        channel.value = match controller {
            6 => u16::from(data) << 7,
            38 => channel.value & 0x3F80 | u16::from(data),
            96 => {
                step = 1;
                (channel.value + 1).min(0x3FFF)
            }
            _ => {
                step = -1;
                channel.value.saturating_sub(1)
            }
        };
        Some(ParameterChange {
            group: ump.group(),
            channel: ump.channel_index() as u8 & 0xF,
            registered,
            number,
            value: channel.value,
            step,
        })
    }
}
