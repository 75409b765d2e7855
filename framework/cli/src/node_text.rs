//! Endpoints on the command line: `ip-midi,interface=lo,ports=[1,2]`.
//!
//! The text becomes a small graph, its options laid over it as `--set` does, so that they are read
//! and checked like those of a file.

use midibay::config::{self, LoadOptions};
use midibay::graph::{Catalog, Graph};

use crate::failure::Failure;

/// A graph of these endpoints and nothing else. A node's name is its type, with a number behind it
/// from the second on.
///
/// # Errors
/// What is wrong with a text.
pub(crate) fn graph(texts: &[String], catalog: &dyn Catalog) -> Result<Graph, Failure> {
    let mut file = String::new();
    let mut options = LoadOptions::default();
    let mut names: Vec<String> = Vec::new();
    for text in texts {
        let (type_name, pairs) = parts(text)?;
        let count = texts[..names.len()].iter().filter(|other| is_of_type(other, &type_name)).count();
        let name = if count == 0 { type_name.clone() } else { format!("{type_name}-{}", count + 1) };
        file += &format!("[node.{name}]\ntype = \"{type_name}\"\n");
        options.overrides.extend(pairs.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
        names.push(name);
    }
    Ok(config::parse(&file, "<command line>", &options, catalog)?.graph)
}

fn is_of_type(text: &str, type_name: &str) -> bool {
    text.split(',').next().is_some_and(|first| first.trim() == type_name)
}

/// The type, and the options as they stand.
fn parts(text: &str) -> Result<(String, Vec<(String, String)>), Failure> {
    let mut parts = split(text).into_iter();
    let type_name = parts.next().unwrap_or_default().trim().to_owned();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !type_name.starts_with(|c: char| c.is_ascii_alphabetic()) || !type_name.chars().all(word) {
        return Err(Failure::new(format!("`{text}` does not begin with a node type")).help(
            "write TYPE,OPTION=VALUE,... for example ip-midi,interface=lo; `midibay plugins` lists the types",
        ));
    }
    let mut pairs = Vec::new();
    for part in parts.filter(|part| !part.trim().is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| {
            Failure::new(format!("`{}` is no option: there is no = in it", part.trim()))
                .help(format!("write OPTION=VALUE; `midibay plugins {type_name}` lists the options"))
        })?;
        pairs.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok((type_name, pairs))
}

/// Splits at the commas that stand neither in brackets nor in a string.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            (',', None) if depth <= 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn commas_in_lists_tables_and_strings_belong_to_the_value() {
        let (type_name, pairs) = parts(r#"ip-midi, peers=["a:1", "b,2"] ,name="x,y",t={a=1,b=2}"#).unwrap();
        assert_eq!(type_name, "ip-midi");
        assert_eq!(pairs, owned(&[("peers", r#"["a:1", "b,2"]"#), ("name", "\"x,y\""), ("t", "{a=1,b=2}")]));
    }

    #[test]
    fn a_type_alone_has_no_options() {
        assert_eq!(parts("ip-midi").unwrap(), ("ip-midi".to_owned(), Vec::new()));
    }

    #[test]
    fn what_is_no_type_and_what_is_no_option_is_told() {
        assert!(parts("=3").is_err());
        assert!(parts("").is_err());
        assert!(parts("ip-midi,loopback").is_err());
        assert!(parts("ip midi\"\n[x]").is_err());
    }
}
