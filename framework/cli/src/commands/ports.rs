//! `midibay ports`: what this machine has to connect to.

use std::fmt::Write;

use midibay::graph::{Catalog, NodeKind};
use serde_json::json;

use crate::args::Ports;
use crate::failure::Failure;
use crate::{output, registry, say, style};

pub(crate) fn run(args: &Ports) -> Result<(), Failure> {
    let registry = registry::open(&[], &args.plugins)?;
    let style = style::stdout();
    let mut text = String::new();
    let mut list = Vec::new();
    for name in registry.type_names() {
        if registry.node_type(&name).is_none_or(|info| info.kind != NodeKind::Endpoint) {
            continue;
        }
        let ports = match registry.list_ports(&name) {
            Ok(ports) => ports,
            Err(reason) => {
                say::warning(&format!("the ports of `{name}` cannot be listed: {reason}"), "");
                continue;
            }
        };
        if ports.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", style.title(&name));
        let width = ports.iter().map(|port| port.name.chars().count()).max().unwrap_or(0);
        for port in ports {
            let way = match (port.input, port.output) {
                (true, true) => "in, out",
                (true, false) => "in",
                (false, true) => "out",
                (false, false) => "",
            };
            let write = if port.write.is_empty() {
                format!("type = \"{name}\"")
            } else {
                format!("type = \"{name}\"  {}", port.write)
            };
            let _ = writeln!(
                text,
                "  {:width$}  {}  {}",
                port.name,
                style.faint(&format!("{way:7}")),
                style.name(&write)
            );
            list.push(json!({
                "type": name, "name": port.name, "write": port.write, "input": port.input, "output": port.output,
            }));
        }
    }
    if args.json {
        return output::json(&list.into());
    }
    if text.is_empty() {
        text = "This machine shows no ports. Endpoints that need none, such as files, work all the same.\n"
            .into();
    } else {
        text += "\nWrite the right column below a [node.NAME] line of a graph file.\n";
    }
    output::text(&text)
}
