//! Questions that packages ask: nobody answers, so each gets its default.

use super::{Declared, Effect};
use crate::packages::deb::control::paragraphs;
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use std::collections::BTreeMap;

macro_rules! does {
    ($names:expr, $run:expr, $about:expr) => {
        Declared { names: $names, effect: Effect::Run($run), essential: false, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!(&["db_get"], get, "the answer: the template's default, or what a script set"),
    does!(&["db_set"], set, "sets an answer"),
    does!(&["db_reset"], reset, "goes back to the default"),
    does!(&["db_metaget"], metaget, "a field of a template"),
    does!(&["db_fget"], fget, "a flag: none is set"),
    does!(&["db_input"], input, "says that the question is not shown"),
    does!(&["db_subst"], subst, "sets what stands for `${name}` in a question's texts"),
    does!(&["db_register"], register, "makes a question of another's template"),
    Declared {
        names: &[
            "db_version",
            "db_title",
            "db_settitle",
            "db_go",
            "db_stop",
            "db_fset",
            "db_capb",
            "db_purge",
            "db_unregister",
            "db_progress",
            "db_beginblock",
            "db_endblock",
            "db_clear",
            "db_info",
            "db_x_loadtemplatefile",
            "debconf-set-selections",
        ],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing, successfully",
    },
];

/// Says that a question was not shown.
const SKIPPED: i32 = 30;

/// Says that there is no such question.
const UNKNOWN: i32 = 10;

/// Templates and answers.
#[derive(Debug, Default)]
pub(in crate::packages::deb) struct Debconf {
    templates: BTreeMap<String, BTreeMap<String, String>>,
    /// Questions under another name than that of their template.
    aliases: BTreeMap<String, String>,
    answers: BTreeMap<String, String>,
    /// For each question what stands for `${name}` in its texts.
    substitutions: BTreeMap<String, BTreeMap<String, String>>,
}

impl Debconf {
    /// Adds the templates of a package.
    pub(in crate::packages::deb) fn load(&mut self, text: &str) {
        for paragraph in paragraphs(text) {
            let Some(name) = paragraph.get("Template") else { continue };
            let fields = paragraph.fields().map(|(field, value)| (field.to_ascii_lowercase(), value.to_owned()));
            self.templates.insert(name.to_owned(), fields.collect());
        }
    }

    fn template(&self, question: &str) -> Option<&BTreeMap<String, String>> {
        let name = self.aliases.get(question).map(String::as_str).unwrap_or(question);
        self.templates.get(name)
    }

    /// A text of a question with all that is to be put in.
    fn filled(&self, question: &str, text: &str) -> String {
        let known = self.substitutions.get(question).into_iter().flatten();
        known.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
    }

    fn answer(&self, question: &str) -> Option<String> {
        let text = |fields: &BTreeMap<String, String>| fields.get("default").cloned().unwrap_or_default();
        let default = || self.template(question).map(|fields| self.filled(question, &text(fields)));
        self.answers.get(question).cloned().or_else(default)
    }
}

/// In place of reading in debconf's library: its functions are commands here.
pub(super) fn begin(shell: &mut Shell<'_>) -> Run<i32> {
    shell.set_variable("DEBIAN_HAS_FRONTEND", "1");
    shell.set_variable("DEBCONF_REDIR", "1");
    Ok(0)
}

/// Gives a value back as all of these commands do: in `RET`.
fn give(shell: &mut Shell<'_>, value: Option<String>) -> Run<i32> {
    let status = if value.is_some() { 0 } else { UNKNOWN };
    shell.set_variable("RET", value.unwrap_or_default());
    Ok(status)
}

fn question<'a>(shell: &Shell<'_>, arguments: &'a [String], at: usize) -> Run<&'a str> {
    arguments.get(at).map(String::as_str).ok_or_else(|| shell.obstacle("a question has no name"))
}

fn get(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let answer = shell.scene.debconf.answer(question(shell, arguments, 0)?);
    give(shell, answer)
}

fn set(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let name = question(shell, arguments, 0)?.to_owned();
    if shell.scene.debconf.answer(&name).is_none() {
        return give(shell, None);
    }
    let value = arguments[1..].join(" ");
    shell.scene.debconf.answers.insert(name, value);
    give(shell, Some("value set".to_owned()))
}

fn reset(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let name = question(shell, arguments, 0)?;
    shell.scene.debconf.answers.remove(name);
    let answer = shell.scene.debconf.answer(name);
    give(shell, answer)
}

fn metaget(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let (name, field) = (question(shell, arguments, 0)?, question(shell, arguments, 1)?);
    let value = shell.scene.debconf.template(name).map(|fields| {
        let field = field.to_ascii_lowercase();
        fields.get(&field).or_else(|| fields.get(&format!("{field}-c"))).cloned().unwrap_or_default()
    });
    let value = value.map(|text| shell.scene.debconf.filled(name, &text));
    give(shell, value)
}

fn subst(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let (question, name) = (question(shell, arguments, 0)?.to_owned(), question(shell, arguments, 1)?.to_owned());
    let value = arguments[2..].join(" ");
    shell.scene.debconf.substitutions.entry(question).or_default().insert(name, value);
    Ok(0)
}

fn fget(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let known = shell.scene.debconf.template(question(shell, arguments, 0)?).is_some();
    give(shell, known.then(|| "false".to_owned()))
}

fn input(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.set_variable("RET", "question skipped");
    Ok(SKIPPED)
}

fn register(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let (template, name) = (question(shell, arguments, 0)?.to_owned(), question(shell, arguments, 1)?.to_owned());
    shell.scene.debconf.aliases.insert(name, template);
    Ok(0)
}
