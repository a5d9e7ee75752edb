//! Which node may stand where, and which ones are still to come.

/// A node: its name, where its page is and how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// The name.
    pub(super) name: &'static str,
    /// The page's name: the node's own, or that of the node it belongs to.
    pub(super) page: &'static str,
    /// An example that is right.
    pub(super) usage: &'static str,
}

impl Form {
    /// A node with a page of its own.
    pub(super) const fn new(name: &'static str, usage: &'static str) -> Self {
        Form { name, page: name, usage }
    }

    /// A node that the page of its parent explains.
    pub(super) const fn within(parent: Form, name: &'static str, usage: &'static str) -> Self {
        Form { name, page: parent.page, usage }
    }

    /// The page's path.
    pub(super) fn path(&self) -> String {
        page(self.page)
    }
}

/// The path of a page of the language's description.
pub(super) fn page(name: &str) -> String {
    format!("specs/language/{name}.md")
}

/// What may stand at the top of a spec.
pub(super) const TOP: &[&str] =
    &["kiln", "arg", "include", "template", "use", "apt", "registry", "source", "stage", "image", "policy", "sign"];

/// What may stand in an `image`.
pub(super) const IMAGE: &[&str] = &[
    "platform",
    "base",
    "packages",
    "copy",
    "mkdir",
    "file",
    "symlink",
    "remove",
    "run",
    "check",
    "mount",
    "cache",
    "tmpfs",
    "secret",
    "ssh",
    "network",
    "shell",
    "limits",
    "user",
    "account",
    "group",
    "env",
    "entrypoint",
    "cmd",
    "workdir",
    "port",
    "volume",
    "label",
    "annotation",
    "stop-signal",
    "healthcheck",
    "layers",
    "use",
];

/// What may stand in a `stage`.
pub(super) const STAGE: &[&str] = &[
    "platform", "base", "packages", "copy", "mkdir", "file", "symlink", "remove", "account", "group", "run", "check",
    "mount", "cache", "tmpfs", "secret", "ssh", "network", "shell", "limits", "workdir", "user", "env", "use",
];

/// What may stand in a `run` or a `check`: what commands find around them.
pub(super) const AROUND: &[&str] =
    &["mount", "cache", "tmpfs", "secret", "ssh", "network", "shell", "limits", "workdir", "user", "env"];

/// Nodes that a later version of kiln will know.
pub(super) const LATER: &[&str] = &["keyless", "pkcs11", "vault", "apk", "rpm"];

/// Where a node of this name may stand, for somebody who wrote it elsewhere.
pub(super) fn home(name: &str) -> Option<&'static str> {
    let child_of: &[(&str, &[&str])] = &[
        ("apt", super::node::apt::CHILDREN),
        ("registry", super::node::registry::CHILDREN),
        ("source", super::node::source::KINDS),
        ("context", super::node::source::FILTERS),
        ("packages", super::node::packages::CHILDREN),
        ("policy", super::node::policy::CHILDREN),
        ("template", &["param"]),
    ];
    if STAGE.contains(&name) {
        return Some("inside of `image` or `stage`");
    }
    if IMAGE.contains(&name) {
        return Some("inside of `image`");
    }
    if TOP.contains(&name) {
        return Some("at the top of the spec");
    }
    child_of.iter().find(|(_, children)| children.contains(&name)).map(|(parent, _)| match *parent {
        "apt" => "inside of `apt`",
        "registry" => "inside of `registry`",
        "source" => "inside of `source`",
        "context" => "inside of `context`",
        "packages" => "inside of `packages`",
        "policy" => "inside of `policy`",
        _ => "inside of `template`",
    })
}
