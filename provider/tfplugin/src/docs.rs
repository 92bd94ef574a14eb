//! Documentation in the layout of the registries, made of the schemas.
//!
//! What users read is what the schemas say: descriptions are the doc comments of the models, examples are files that
//! can be checked by `terraform validate`. Keep the pages beside the provider, and compare them in a test:
//!
//! ```no_run
//! # use tfplugin::{Provider, docs};
//! # use std::path::Path;
//! # fn test<Board: Provider>() {
//! for (path, page) in docs::pages::<Board>(Path::new("examples")) {
//!     assert_eq!(std::fs::read_to_string(Path::new("docs").join(&path)).unwrap_or_default(), page, "{path}");
//! }
//! # }
//! ```

use crate::{
    Provider, Type,
    function::ParameterSpec,
    registry::FunctionEntry,
    schema::Model as _,
    schema::{AttributeSpec, Kind, Nesting, SchemaSpec, Shape, clean_doc},
};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

/// Every page by its path below `docs/`: `index.md`, `resources/note.md`, `data-sources/notes.md`, `functions/mark.md`
/// and so on. Examples are taken from the registries' layout: `provider/provider.tf`, `resources/board_note/resource.tf`
/// and `import.sh`, `import-by-identity.tf`, `data-sources/board_notes/data-source.tf`, `functions/mark/function.tf`.
#[must_use]
pub fn pages<P: Provider>(examples: &Path) -> BTreeMap<String, String> {
    let registry = P::registry();
    let mut pages = BTreeMap::new();
    let provider = P::schema().into_spec(Kind::Provider);
    let about = clean_doc(P::Config::DOC);
    let mut index = Page::new(&format!("{} Provider", P::NAME), &format!("{} Provider", P::NAME), &about);
    index.example(examples, "provider/provider.tf");
    index.schema(&provider);
    pages.insert("index.md".to_owned(), index.text);

    let short = |name: &str| name.strip_prefix(&format!("{}_", P::NAME)).unwrap_or(name).to_owned();
    let mut add = |folder: &str, file: &str, name: &str, schema: &SchemaSpec| {
        let word = title_of(schema.kind);
        let mut page =
            Page::new(&format!("{name} {word} - {}", P::NAME), &format!("{name} ({word})"), &schema.description);
        page.since(schema.kind);
        page.example(examples, &format!("{folder}/{name}/{file}"));
        page.schema(schema);
        if schema.kind == Kind::Resource {
            page.import(examples, name, schema);
        }
        pages.insert(format!("{folder}/{}.md", short(name)), page.text);
    };
    for (name, entry) in &registry.resources {
        add("resources", "resource.tf", name, &entry.schema);
    }
    for (name, entry) in &registry.data_sources {
        add("data-sources", "data-source.tf", name, &entry.schema);
    }
    for (name, entry) in &registry.ephemerals {
        add("ephemeral-resources", "ephemeral-resource.tf", name, &entry.schema);
    }
    for (name, entry) in &registry.lists {
        add("list-resources", "list-resource.tfquery.hcl", name, &entry.schema);
    }
    for (name, entry) in &registry.actions {
        add("actions", "action.tf", name, &entry.schema);
    }
    for (name, entry) in &registry.functions {
        let mut page =
            Page::new(&format!("{name} function - {}", P::NAME), &format!("function: {name}"), &entry.description);
        page.example(examples, &format!("functions/{name}/function.tf"));
        page.signature(name, entry);
        pages.insert(format!("functions/{name}.md"), page.text);
    }
    pages
}

const fn title_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Provider => "Provider",
        Kind::Resource => "Resource",
        Kind::DataSource => "Data Source",
        Kind::Ephemeral => "Ephemeral Resource",
        Kind::List => "List Resource",
        Kind::Action => "Action",
    }
}

struct Page {
    text: String,
}

impl Page {
    fn new(title: &str, heading: &str, description: &str) -> Self {
        let description = one_line(description);
        let first = description.split("\n\n").next().unwrap_or_default();
        let text = format!(
            "---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {first}\n---\n\n# {heading}\n\n{description}\n"
        );
        Self { text }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// What an older Terraform does not know.
    fn since(&mut self, kind: Kind) {
        let since = match kind {
            Kind::Ephemeral => "1.10",
            Kind::List | Kind::Action => "1.14",
            Kind::Provider | Kind::Resource | Kind::DataSource => return,
        };
        self.push(&format!("\nTerraform {since} and newer.\n"));
    }

    fn example(&mut self, examples: &Path, file: &str) {
        if let Some(example) = read(examples, file) {
            self.push(&format!("\n## Example Usage\n\n```terraform\n{example}\n```\n"));
        }
    }

    fn schema(&mut self, schema: &SchemaSpec) {
        if schema.attributes.is_empty() {
            return;
        }
        self.push("\n## Schema\n");
        self.attributes(&schema.attributes, "", "###");
    }

    fn attributes(&mut self, attributes: &[AttributeSpec], at: &str, level: &str) {
        let is_optional = |spec: &&AttributeSpec| spec.optional;
        let groups: [(&str, Vec<_>); 3] = [
            ("Required", attributes.iter().filter(|spec| spec.required).collect()),
            ("Optional", attributes.iter().filter(is_optional).collect()),
            ("Read-Only", attributes.iter().filter(|spec| spec.computed && !spec.optional).collect()),
        ];
        for (name, group) in groups.into_iter().filter(|(_, group)| !group.is_empty()) {
            let heading = if at.is_empty() { format!("\n{level} {name}\n\n") } else { format!("\n{name}:\n\n") };
            self.push(&heading);
            for spec in group {
                self.push(&line(spec, at));
            }
        }
        for spec in attributes {
            if let Shape::Nested(_, nested) = &spec.shape {
                let path = path_to(at, spec.name);
                let id = path.replace('.', "--");
                self.push(&format!("\n<a id=\"nestedatt--{id}\"></a>\n### Nested Schema for `{path}`\n"));
                self.attributes(nested, &path, level);
            }
        }
    }

    fn import(&mut self, examples: &Path, name: &str, schema: &SchemaSpec) {
        let by_id = read(examples, &format!("resources/{name}/import.sh"));
        let by_identity = read(examples, &format!("resources/{name}/import-by-identity.tf"));
        if by_id.is_none() && by_identity.is_none() {
            return;
        }
        self.push("\n## Import\n");
        if let (Some(example), Some(identity)) = (by_identity, &schema.identity) {
            self.push(&format!("\nBy identity, with Terraform 1.12 and newer:\n\n```terraform\n{example}\n```\n\n"));
            for spec in &identity.attributes {
                let due =
                    if spec.identity == Some(crate::schema::ForImport::Required) { "required" } else { "optional" };
                self.push(&format!(
                    "- `{}` ({}, {due}) {}\n",
                    spec.name,
                    type_name(&spec.shape),
                    first_sentence(&one_line(&spec.description))
                ));
            }
        }
        if let Some(example) = by_id {
            self.push(&format!("\nBy id:\n\n```shell\n{example}\n```\n"));
        }
    }

    fn signature(&mut self, name: &str, entry: &FunctionEntry) {
        let parameter = |spec: &ParameterSpec| format!("{} {}", spec.name, type_text(&spec.ty).to_lowercase());
        let variadic = entry.variadic.iter().map(|spec| format!("{}...", parameter(spec)));
        let parameters: Vec<_> = entry.parameters.iter().map(parameter).chain(variadic).collect();
        let output = type_text(&entry.output).to_lowercase();
        self.push(&format!(
            "\n## Signature\n\n```text\n{name}({}) {output}\n```\n\n## Arguments\n\n",
            parameters.join(", ")
        ));
        let all =
            entry.parameters.iter().map(|spec| (spec, false)).chain(entry.variadic.iter().map(|spec| (spec, true)));
        for (n, (spec, is_variadic)) in all.enumerate() {
            let traits = [(spec.nullable, ", Nullable"), (is_variadic, ", Variadic")];
            let traits: String = traits.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
            let (ty, text) = (type_text(&spec.ty), one_line(&spec.description));
            self.push(&format!("{}. `{}` ({ty}{traits}) {text}\n", n + 1, spec.name));
        }
    }
}

/// What follows is of no concern to an import: defaults, and what a change comes to.
fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

fn line(spec: &AttributeSpec, at: &str) -> String {
    let mut line = format!("- `{}` ({}", spec.name, type_name(&spec.shape));
    for (is, word) in
        [(spec.sensitive, "Sensitive"), (spec.write_only, "Write-only"), (spec.deprecated.is_some(), "Deprecated")]
    {
        if is {
            let _ = write!(line, ", {word}");
        }
    }
    let _ = write!(line, ") {}", one_line(&spec.description));
    if let Some(default) = &spec.default {
        let _ = write!(line, " Default: `{}`.", crate::value::to_json(default));
    }
    if let Some(text) = spec.deprecated {
        let _ = write!(line, " Deprecated: {text}");
    }
    if matches!(spec.shape, Shape::Nested(..)) {
        let id = path_to(at, spec.name).replace('.', "--");
        let _ = write!(line, " (see [below for nested schema](#nestedatt--{id}))");
    }
    line + "\n"
}

fn path_to(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn type_name(shape: &Shape) -> String {
    match shape {
        Shape::Type(ty) => type_text(ty),
        Shape::Nested(nesting, _) => match nesting {
            Nesting::Single => "Attributes".to_owned(),
            Nesting::List => "Attributes List".to_owned(),
            Nesting::Set => "Attributes Set".to_owned(),
            Nesting::Map => "Attributes Map".to_owned(),
        },
    }
}

fn type_text(ty: &Type) -> String {
    match ty {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_text(element)),
        Type::Set(element) => format!("Set of {}", type_text(element)),
        Type::Map(element) => format!("Map of {}", type_text(element)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => "Object".to_owned(),
    }
}

/// Lines of a doc comment are wrapped for the source; paragraphs stay.
fn one_line(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

fn read(examples: &Path, file: &str) -> Option<String> {
    fs::read_to_string(examples.join(file)).ok().map(|text| text.trim_end().to_owned())
}
