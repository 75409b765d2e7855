//! `midibay plugins`: what can stand in a graph.

use std::fmt::Write;

use midibay::Registry;
use midibay::graph::{Catalog, NodeKind, NodeTypeInfo};
use serde_json::{Value, json};

use crate::args::Plugins;
use crate::failure::Failure;
use crate::options_text::{Options, wrap};
use crate::style::Style;
use crate::{output, registry, style};

pub(crate) fn run(args: &Plugins) -> Result<(), Failure> {
    let (registry, skipped) = registry::open_quietly(&[], &args.plugins)?;
    registry::tell(&skipped);
    let Some(name) = &args.node_type else {
        if args.json {
            let skipped: Vec<Value> =
                skipped.iter().map(|one| json!({ "file": one.file, "reason": one.reason })).collect();
            let types: Vec<Value> = registry
                .type_names()
                .iter()
                .filter_map(|name| registry.node_type(name))
                .map(|i| describe(&i))
                .collect();
            return output::json(
                &json!({ "plugins": plugins(&registry), "types": types, "skipped": skipped }),
            );
        }
        return output::text(&overview(&registry));
    };
    let Some(info) = registry.node_type(name) else {
        let near =
            registry.type_names().into_iter().map(|known| (strsim::damerau_levenshtein(&known, name), known));
        let help = match near.min() {
            Some((distance, known)) if distance <= 1 + name.len() / 3 => format!("did you mean `{known}`?"),
            _ => "`midibay plugins` lists the node types".to_owned(),
        };
        return Err(Failure::new(format!("there is no node type `{name}`")).help(help));
    };
    if args.json {
        return output::json(&describe(&info));
    }
    output::text(&page(&registry, &info))
}

fn kind(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Endpoint => "endpoint",
        NodeKind::Processor => "processor",
    }
}

fn plugins(registry: &Registry) -> Vec<Value> {
    let list = registry.plugins().iter();
    list.map(|plugin| {
        json!({ "name": plugin.name, "version": plugin.version, "license": plugin.license,
            "file": plugin.file, "types": plugin.node_types })
    })
    .collect()
}

fn describe(info: &NodeTypeInfo) -> Value {
    json!({
        "type": info.name, "kind": kind(info.kind), "about": info.about, "plugin": info.origin,
        "options": info.schema,
        "commands": info.commands.iter()
            .map(|c| json!({ "name": c.name, "about": c.about, "args": c.args })).collect::<Vec<_>>(),
        "properties": info.properties.iter()
            .map(|p| json!({ "name": p.name, "about": p.about, "unit": p.unit })).collect::<Vec<_>>(),
    })
}

fn overview(registry: &Registry) -> String {
    let style = style::stdout();
    let mut text = String::new();
    let types: Vec<NodeTypeInfo> =
        registry.type_names().iter().filter_map(|name| registry.node_type(name)).collect();
    let width = types.iter().map(|info| info.name.len()).max().unwrap_or(0);
    for (title, wanted) in [("Endpoints", NodeKind::Endpoint), ("Processors", NodeKind::Processor)] {
        let _ = writeln!(text, "{}", style.title(title));
        for info in types.iter().filter(|info| info.kind == wanted) {
            let name = style.name(&format!("{:width$}", info.name));
            let _ = writeln!(text, "  {name}  {}", info.about);
        }
        text.push('\n');
    }
    let loaded: Vec<_> = registry.plugins().iter().filter_map(|p| Some((p, p.file.as_ref()?))).collect();
    if !loaded.is_empty() {
        let _ = writeln!(text, "{}", style.title("Loaded plugins"));
        for (plugin, file) in loaded {
            let types = plugin.node_types.join(", ");
            let _ = writeln!(
                text,
                "  {} {}: {types} {}",
                plugin.name,
                plugin.version,
                style.faint(&file.display().to_string())
            );
        }
        text.push('\n');
    }
    text += "`midibay plugins TYPE` tells all about one of them.\n";
    text
}

/// All about one node type.
fn page(registry: &Registry, info: &NodeTypeInfo) -> String {
    let style = style::stdout();
    let mut text =
        format!("{}: {} of {}\n{}\n", style.name(&info.name), kind(info.kind), info.origin, info.about);
    let mut section = |title: &str, body: &str| {
        let _ = write!(text, "\n{}\n{body}", style.title(title));
    };
    let options = Options::of(&info.schema);
    section("Options", &options.text(style, "  none\n"));
    section("Ports", &ports(registry, info, style));
    if !info.commands.is_empty() {
        let mut body = String::new();
        for command in &info.commands {
            let _ = writeln!(body, "  {}", style.name(&command.name));
            body += &wrap(&command.about, 6);
            body += &indent(&Options::of(&command.args).text(style, ""), 4);
        }
        section("Commands", &body);
    }
    if !info.properties.is_empty() {
        let mut body = String::new();
        for property in &info.properties {
            let unit = if property.unit.is_empty() { String::new() } else { format!(" ({})", property.unit) };
            let _ = writeln!(body, "  {}{unit}", style.name(&property.name));
            body += &wrap(&property.about, 6);
        }
        section("Properties", &body);
    }
    text
}

/// The ports of a node with the least that must be given, where that tells anything.
fn ports(registry: &Registry, info: &NodeTypeInfo, style: Style) -> String {
    const DEPENDS: &str = "  as the options say\n";
    let bare = registry.validate(&info.name, &json!({}));
    let guessed = bare.is_err();
    let Ok(ports) = bare.or_else(|_| registry.validate(&info.name, &least(&info.schema))) else {
        return DEPENDS.to_owned();
    };
    // A name out of a guessed option is no news.
    if guessed && ports.inputs.iter().chain(&ports.outputs).any(|name| !name.is_empty()) {
        return DEPENDS.to_owned();
    }
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        [only] if only.is_empty() => "one, without a name".to_owned(),
        names => names.iter().map(|name| style.name(name)).collect::<Vec<_>>().join(", "),
    };
    format!("  in: {}\n  out: {}\n", list(&ports.inputs), list(&ports.outputs))
}

/// The numbers that must be given, each the one nearest to 0.
fn least(schema: &Value) -> Value {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let options = required.filter_map(Value::as_str).map(|name| {
        let option = &schema["properties"][name];
        let low = option["minimum"].as_f64().unwrap_or(0.0);
        (name.to_owned(), json!(low.max(0.0) as i64))
    });
    Value::Object(options.collect())
}

fn indent(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}
