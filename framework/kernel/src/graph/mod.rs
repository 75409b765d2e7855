//! The graph: what a config file, a string or an app's own code comes down to, with every name
//! resolved and every number checked. Pure data; nothing here runs.

mod build;
mod catalog;
mod schema;
mod spec;

pub use build::{GraphBuilder, TriggerBuilder};
pub use catalog::{Catalog, CommandInfo, NodeTypeInfo, PropertyInfo};
pub use schema::schema;
pub use spec::{
    Control, ControlMap, ControlRef, Graph, NodeKind, NodeSpec, PortRef, Ports, Route, Trigger, TriggerAction,
};
