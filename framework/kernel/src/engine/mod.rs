pub(crate) mod maps;
pub(crate) mod triggers;
