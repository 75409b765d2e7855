//! Lists of small numbers as people write them.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::error::ConfigError;

/// For options that pick channels, notes, controllers, ...: `10`, `"36..51"` (both ends count), or a
/// list of such: `[1, 2, "10..12"]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbers {
    items: Vec<Item>,
    list: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Number(i64),
    Text(String),
}

impl Numbers {
    /// The numbers as bits: bit n stands for number n. What is wrong is added to `errors`, at its path
    /// below `path`. `what` is one of them ("channel"); `range`, at most 0 to 127, is what is allowed.
    /// `[main]`
    pub fn bits(
        &self,
        path: &str,
        what: &str,
        range: RangeInclusive<u8>,
        errors: &mut Vec<ConfigError>,
    ) -> u128 {
        if self.items.is_empty() {
            let error = ConfigError::at(path, format!("no {what} is listed, so nothing would be picked"));
            errors.push(error.help("leave the option away to pick all"));
        }
        let mut bits = 0;
        for (i, item) in self.items.iter().enumerate() {
            match item.ends(what, &range) {
                Ok((first, last)) => bits |= u128::MAX >> (127 - last) & u128::MAX << first,
                Err((message, help)) => {
                    let path = if self.list { format!("{path}[{i}]") } else { path.to_owned() };
                    errors.push(ConfigError::at(path, message).help(help));
                }
            }
        }
        bits
    }

    /// The same for channels or groups, which people count from 1 to 16: bit 0 stands for 1. `[main]`
    pub fn mask16(&self, path: &str, what: &str, errors: &mut Vec<ConfigError>) -> u16 {
        (self.bits(path, what, 1..=16, errors) >> 1) as u16
    }
}

impl Item {
    fn ends(&self, what: &str, range: &RangeInclusive<u8>) -> Result<(u8, u8), (String, String)> {
        let (low, high) = (*range.start(), *range.end());
        let inside = |n: i64| match u8::try_from(n) {
            Ok(n) if range.contains(&n) => Ok(n),
            _ => Err((
                format!("there is no {what} {n}"),
                match (n, low) {
                    (0, 1) => format!("a {what} counts from 1 to {high}, as on devices"),
                    _ => format!("a {what} is from {low} to {high}"),
                },
            )),
        };
        let text = match self {
            Self::Number(n) => return inside(*n).map(|n| (n, n)),
            Self::Text(text) => text,
        };
        let parts = text.split_once("..").unwrap_or((text, text));
        let (Ok(first), Ok(last)) = (parts.0.trim().parse(), parts.1.trim().parse()) else {
            return Err((
                format!("`{text}` is neither a {what} nor a range of them"),
                format!("write a number, or a range in quotes such as \"{low}..{high}\""),
            ));
        };
        let (first, last) = (inside(first)?, inside(last)?);
        if first > last {
            return Err((format!("`{text}` counts down"), format!("write \"{last}..{first}\"")));
        }
        Ok((first, last))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Numbers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a range such as \"36..51\", or a list of them")
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Numbers, E> {
                Ok(Numbers { items: vec![Item::Number(n)], list: false })
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Numbers, E> {
                self.visit_i64(i64::try_from(n).unwrap_or(i64::MAX))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Numbers, E> {
                Ok(Numbers { items: vec![Item::Text(text.to_owned())], list: false })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Numbers { items, list: true })
            }
        }
        from.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Item;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a range such as \"36..51\"")
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Item, E> {
                Ok(Item::Number(n))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Item, E> {
                self.visit_i64(i64::try_from(n).unwrap_or(i64::MAX))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }
        }
        from.deserialize_any(Any)
    }
}

impl JsonSchema for Numbers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Numbers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let range = "^\\s*[0-9]+\\s*(\\.\\.\\s*[0-9]+\\s*)?$";
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 127 },
                { "type": "string", "pattern": range },
                {
                    "type": "array",
                    "minItems": 1,
                    "items": { "anyOf": [
                        { "type": "integer", "minimum": 0, "maximum": 127 },
                        { "type": "string", "pattern": range },
                    ] },
                },
            ],
        })
    }
}
