//! The stable ABI and the SDK.

mod error;

pub use error::ConfigError;
