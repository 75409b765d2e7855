//! `midibay schema`: the JSON Schema of graph files, with the options of every node type known.

use midibay::graph;

use crate::args::Schema;
use crate::failure::Failure;
use crate::{output, registry};

pub(crate) fn run(args: &Schema) -> Result<(), Failure> {
    let registry = registry::open(&[], &args.plugins)?;
    output::json(&graph::schema(&registry))
}
