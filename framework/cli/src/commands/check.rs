//! `midibay check`: looks for mistakes without running anything.

use midibay::config;
use serde_json::{Value, json};

use super::Opened;
use crate::args::Check;
use crate::failure::Failure;
use crate::{output, registry, say, style};

pub(crate) fn run(args: &Check) -> Result<(), Failure> {
    match look(args) {
        Ok(found) => {
            if args.json {
                return output::json(&found.json);
            }
            say::diagnostics(&found.warnings);
            output::text(&format!("{}: {}\n", style::stdout().good("ok"), found.summary))
        }
        Err(Failure::Graph(diagnostics)) => {
            if args.json {
                output::json(&result(false, diagnostics.to_json(), json!(null)))?;
            } else {
                say::diagnostics(&diagnostics);
                let (errors, warnings) = (diagnostics.errors(), diagnostics.warnings());
                let more =
                    if warnings > 0 { format!(" and {}", count(warnings, "warning")) } else { String::new() };
                say::line(&format!("{} in {}{more}", count(errors, "error"), args.graph.display()));
            }
            Err(Failure::Told)
        }
        Err(Failure::Reason(reason, help)) if args.json => {
            let problem = json!([{ "level": "error", "code": "plugins", "message": reason, "file": args.graph,
                "line": null, "column": null, "label": "", "help": help, "related": [] }]);
            output::json(&result(false, problem, json!(null)))?;
            Err(Failure::Told)
        }
        Err(failure) => Err(failure),
    }
}

struct Found {
    warnings: config::Diagnostics,
    summary: String,
    json: Value,
}

fn look(args: &Check) -> Result<Found, Failure> {
    let opened = Opened::read(&args.graph, &args.overrides.set, &args.plugins)?;
    registry::tell(&opened.skipped);
    let loaded = opened.loaded;
    let graph = &loaded.graph;
    let counts = [
        (graph.nodes.len(), "node"),
        (graph.routes.len(), "route"),
        (graph.maps.len(), "control map"),
        (graph.triggers.len(), "trigger"),
    ];
    // Nodes and routes are always told, the others where there are any.
    let told = counts.iter().enumerate().filter(|(at, (number, _))| *at < 2 || *number > 0);
    let summary: Vec<String> = told.map(|(_, (number, what))| count(*number, what)).collect();
    let json = result(
        true,
        loaded.warnings.to_json(),
        json!({
            "nodes": counts[0].0, "routes": counts[1].0, "maps": counts[2].0, "triggers": counts[3].0,
            "files": graph.files,
        }),
    );
    Ok(Found {
        summary: format!("{}: {}", args.graph.display(), summary.join(", ")),
        warnings: loaded.warnings,
        json,
    })
}

fn result(ok: bool, problems: Value, graph: Value) -> Value {
    json!({ "ok": ok, "problems": problems, "graph": graph })
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
