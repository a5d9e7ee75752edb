//! `packages`: what comes out of a package source.

use super::apt::Apt;
use super::base::Base;
use super::image::Image;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// The wishes that an image has towards one package source.
///
/// Where an image has several of these for one source, they are resolved as one: wishes, choices and what is kept
/// add up, `recommends` and [`Dpkg::Full`] hold if one of them says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// The package source's name.
    pub apt: Spanned<String>,
    /// Whether recommended packages are taken too.
    pub recommends: bool,
    /// The packages that are wanted; what they need comes along.
    pub add: Vec<Wish>,
    /// Dependencies that do not count.
    pub ignore_depends: Vec<IgnoreDepends>,
    /// How maintainer scripts are carried out, where it is said; one way holds for the whole image or stage.
    pub script_mode: Option<Spanned<ScriptMode>>,
    /// What becomes of maintainer scripts that kiln does not know.
    pub scripts: Vec<Scripts>,
    /// What is kept of the files that are left out by default.
    pub keep: Vec<Spanned<Keep>>,
    /// How the image lists its packages.
    pub dpkg: Dpkg,
    /// The whole node.
    pub span: Span,
}

/// A package that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name; the span also covers the version, where there is one.
    pub name: Spanned<String>,
    /// Exactly this version: `add "curl=8.14.1-2"`.
    pub version: Option<String>,
    /// Only from this suite, which the package source has.
    pub suite: Option<Spanned<String>>,
}

/// Dependencies of one package that do not count, as dpkg's `--ignore-depends`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreDepends {
    /// The package.
    pub package: Spanned<String>,
    /// The names that it depends on, but does not need in this image; at least one.
    pub names: Vec<Spanned<String>>,
}

/// How maintainer scripts are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptMode {
    /// kiln does itself what the usual ones do.
    Emulate,
    /// dpkg executes them, in the sandbox, in a whole Debian system.
    Run,
}

/// What becomes of one package's maintainer scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripts {
    /// The package.
    pub package: Spanned<String>,
    /// The choice.
    pub choice: ScriptChoice,
}

/// The choices for maintainer scripts that kiln does not emulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptChoice {
    /// They are not run, and that is all right.
    Skip,
}

/// Files of packages that are left out where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// `/usr/share/doc` beyond copyright files, and its like.
    Doc,
    /// Manual and info pages.
    Man,
    /// Translations.
    Locale,
}

/// How an image lists its packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dpkg {
    /// `/var/lib/dpkg/status.d/`, which scanners read.
    StatusD,
    /// `/var/lib/dpkg/status` with `info/`, which dpkg itself reads.
    Full,
}

const PACKAGES: Form = Form::new("packages", "packages \"debian\" { add \"nginx\" }");
const ADD: Form = Form::within(PACKAGES, "add", "add \"nginx\" \"curl\"");
const IGNORE_DEPENDS: Form = Form::within(PACKAGES, "ignore-depends", "ignore-depends \"ca-certificates\" \"openssl\"");
const SCRIPTS: Form = Form::within(PACKAGES, "scripts", "scripts \"skip\" \"nginx-common\"");
const KEEP: Form = Form::within(PACKAGES, "keep", "keep \"man\"");
const DPKG: Form = Form::within(PACKAGES, "dpkg", "dpkg \"full\"");

/// What may stand in `packages`.
pub(in crate::spec) const CHILDREN: &[&str] = &["add", "ignore-depends", "scripts", "keep", "dpkg"];

/// Reads `packages`; whether its package source has what it names is checked by [`check`].
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Packages> {
    let mut reader = Reader::new(cx, item, PACKAGES);
    let apt = reader.word("the name of a package source");
    let recommends = reader.flag_property("recommends").unwrap_or(false);
    let script_mode = script_mode(&mut reader);
    let span = reader.span();
    let placeholder = Spanned::new(String::new(), span);
    let mut packages = Packages {
        apt: placeholder,
        recommends,
        add: Vec::new(),
        ignore_depends: Vec::new(),
        script_mode,
        scripts: Vec::new(),
        keep: Vec::new(),
        dpkg: Dpkg::StatusD,
        span,
    };
    for child in reader.required_children("what to `add`") {
        match child.node.name.text.as_str() {
            "add" => add(reader.cx, &child, &mut packages.add),
            "ignore-depends" => ignore_depends(reader.cx, &child, &mut packages.ignore_depends),
            "scripts" => scripts(reader.cx, &child, &mut packages.scripts),
            "keep" => keep(reader.cx, &child, &mut packages.keep),
            "dpkg" => packages.dpkg = dpkg(reader.cx, &child).unwrap_or(packages.dpkg),
            _ => reader.unknown_child(&child, CHILDREN),
        }
    }
    reader.finish();
    packages.apt = apt?;
    Some(packages)
}

/// Checks that the package source is there, with the suites that the wishes name.
pub(in crate::spec) fn check<'n>(cx: &mut Cx<'n>, item: &Item<'n>, packages: &Packages, apts: &[Apt]) {
    let Some(apt) = apts.iter().find(|apt| apt.name.value == packages.apt.value) else {
        let known = apts.iter().map(|apt| apt.name.as_str());
        let mistake = mistake::unknown_name(packages.apt.span, "package source", &packages.apt, known);
        return cx.report_unless_cut(mistake, PACKAGES, &item.scope);
    };
    for suite in packages.add.iter().filter_map(|wish| wish.suite.as_ref()) {
        if !apt.suites.iter().any(|known| known.name.value == suite.value) {
            let known = apt.suites.iter().map(|suite| suite.name.as_str());
            let mistake = mistake::unknown_suite(suite, &apt.name, known);
            cx.report_unless_cut(mistake, PACKAGES, &item.scope);
        }
    }
}

/// Checks what holds for an image or a stage as a whole: in which way scripts are carried out, and that everything in it
/// goes with that.
pub(in crate::spec) fn agree(cx: &mut Cx<'_>, image: &Image) {
    let said = |mode| image.packages.iter().filter_map(|p| p.script_mode.as_ref()).find(move |said| said.value == mode);
    let Some(run) = said(ScriptMode::Run).map(|said| said.span) else { return };
    let mut report = |mistake: Diagnostic| cx.add(mistake.with_page(PACKAGES.path()));
    if let Some(emulate) = said(ScriptMode::Emulate) {
        let help = "one way holds for all packages of an image or a stage: put the others into a stage of their own";
        let message = "scripts cannot be both executed and emulated";
        report(mistake::conflict(emulate.span, message, run, help));
    }
    for skipped in image.packages.iter().flat_map(|packages| &packages.scripts) {
        let help = "leave this out: with `scripts=\"run\"` dpkg executes all scripts";
        let message = format!("the scripts of `{}` cannot be skipped", mistake::clip(&skipped.package));
        report(mistake::conflict(skipped.package.span, message, run, help));
    }
    if let Some(base) = &image.base
        && let Base::Own(name) = &base.value
    {
        let help = "leave out the base: packages with `scripts=\"run\"` bring all that a Debian system begins with";
        let message = format!("the base `{name}` has no dpkg to execute scripts with");
        report(mistake::conflict(base.span, message, run, help));
    }
    let names = image.groups.iter().map(|group| &group.name).chain(image.accounts.iter().map(|account| &account.name));
    for name in names {
        let message = format!("`{}` cannot be made beside accounts that scripts make", mistake::clip(name));
        let help = "make it by a command: `run \"useradd --system …\"` or `run \"groupadd …\"`";
        report(mistake::conflict(name.span, message, run, help));
    }
}

fn script_mode(reader: &mut Reader) -> Option<Spanned<ScriptMode>> {
    let word = reader.text_property("scripts")?;
    let choices = [("emulate", ScriptMode::Emulate), ("run", ScriptMode::Run)];
    let mode = reader.choice(&word, "way to carry out scripts", &choices)?;
    Some(Spanned::new(mode, word.span))
}

fn add<'n>(cx: &mut Cx<'n>, item: &Item<'n>, wishes: &mut Vec<Wish>) {
    let mut reader = Reader::new(cx, item, ADD);
    let words = reader.words("the name of a package");
    let suite = reader.text_property("suite");
    for word in words {
        let (name, version) = match word.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (word.as_str(), None),
        };
        // What is no pin at all is shown as it was written.
        let name = if name.contains([' ', '<', '>', '(']) { word.as_str() } else { name };
        if !valid_package(&mut reader, name, word.span) {
            continue;
        }
        if let Some(version) = version.filter(|version| !is_version(version)) {
            let message = format!("`{}` is no version of a Debian package", mistake::clip(version));
            let help = "after `=` stands one exact version, such as `8.14.1-2`";
            reader.report(mistake::bad_value(word.span, message, help));
            continue;
        }
        let (name, version) = (name.to_owned(), version.map(Into::into));
        wishes.push(Wish { name: Spanned::new(name, word.span), version, suite: suite.clone() });
    }
    reader.finish();
}

fn ignore_depends<'n>(cx: &mut Cx<'n>, item: &Item<'n>, ignored: &mut Vec<IgnoreDepends>) {
    let mut reader = Reader::new(cx, item, IGNORE_DEPENDS);
    let package = reader.word("the name of a package");
    let names = reader.words("a name that the package depends on");
    let names: Vec<_> = names.into_iter().filter(|name| valid_package(&mut reader, name, name.span)).collect();
    if let Some(package) = package.filter(|package| valid_package(&mut reader, package, package.span)) {
        ignored.push(IgnoreDepends { package, names });
    }
    reader.finish();
}

fn scripts<'n>(cx: &mut Cx<'n>, item: &Item<'n>, scripts: &mut Vec<Scripts>) {
    let mut reader = Reader::new(cx, item, SCRIPTS);
    let choice = reader.word("what becomes of them: `skip`");
    let choice = choice.and_then(|word| reader.choice(&word, "choice for scripts", &[("skip", ScriptChoice::Skip)]));
    for package in reader.words("the name of a package") {
        if valid_package(&mut reader, &package, package.span) {
            scripts.extend(choice.map(|choice| Scripts { package, choice }));
        }
    }
    reader.finish();
}

fn keep<'n>(cx: &mut Cx<'n>, item: &Item<'n>, kept: &mut Vec<Spanned<Keep>>) {
    let mut reader = Reader::new(cx, item, KEEP);
    for word in reader.words("`doc`, `man` or `locale`") {
        let choices = [("doc", Keep::Doc), ("man", Keep::Man), ("locale", Keep::Locale)];
        if let Some(keep) = reader.choice(&word, "kind of files to keep", &choices)
            && kept.iter().all(|other| other.value != keep)
        {
            kept.push(Spanned::new(keep, word.span));
        }
    }
    reader.finish();
}

fn dpkg<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Dpkg> {
    let mut reader = Reader::new(cx, item, DPKG);
    let word = reader.word("`status.d` or `full`");
    let choices = [("status.d", Dpkg::StatusD), ("full", Dpkg::Full)];
    let dpkg = word.and_then(|word| reader.choice(&word, "form of the package list", &choices));
    reader.finish();
    dpkg
}

fn valid_package(reader: &mut Reader, name: &str, span: Span) -> bool {
    let valid = (2..=128).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
    if !valid {
        let rule = match name {
            name if name.contains(':') => "packages are those of the image's platform: leave out the architecture",
            name if name.contains(['<', '>', ' ', '(']) => {
                "a version is pinned by `name=version`; other relations are not known here"
            }
            _ => "lower-case letters, digits, `+`, `-` and `.`, at least two",
        };
        reader.report(mistake::bad_name(span, "a package", name, rule));
    }
    valid
}

/// Debian's grammar of versions: an optional epoch, then the version, beginning with a digit.
fn is_version(version: &str) -> bool {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    !epoch.is_empty()
        && epoch.bytes().all(|b| b.is_ascii_digit())
        && rest.len() <= 255
        && rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || ".+-~:".contains(c))
}
