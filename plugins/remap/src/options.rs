//! The options as they stand in a graph.

use std::collections::BTreeMap;

use midibay_plugin::Numbers;
use midibay_plugin::schemars::{self, JsonSchema};
use serde::Deserialize;

/// A table: from a number, written as a key, to a number.
pub(crate) type Table = BTreeMap<String, i64>;

/// The options of a remapper. What stands in no table stays as it is, unless `others` says otherwise.
#[derive(Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Channels into other channels (1-16): { 1 = 2 } sends what comes on channel 1 to channel 2.
    pub channels: Option<Table>,
    /// UMP groups into other groups (1-16). For everything that has a group, SysEx and clock included.
    pub groups: Option<Table>,
    /// Controllers into other controllers (0-119): { 1 = 11 } makes modulation expression.
    pub controllers: Option<Table>,
    /// Notes into other notes (0-127), with their pressure and their own controllers: { 36 = 38 }.
    pub notes: Option<Table>,
    /// Programs into other programs (0-127).
    pub programs: Option<Table>,
    /// What happens with a message whose channel, group, controller, note or program is not in the
    /// table that is given for it (default: "keep").
    pub others: Others,
    /// Channel messages that come on other channels pass unchanged (1-16; default: all channels are
    /// remapped). Messages without a channel are not touched by this.
    pub only_channels: Option<Numbers>,
}

/// What happens with what stands in no table.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is dropped.
    Drop,
}
