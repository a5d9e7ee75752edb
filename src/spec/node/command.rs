//! `entrypoint` and `cmd`: what an image runs.

use crate::diagnostic::Diagnostic;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const ENTRYPOINT: Form = Form::new("entrypoint", "entrypoint \"/usr/bin/app\" \"--serve\"");
const CMD: Form = Form::new("cmd", "cmd \"--port\" \"8080\"");

/// Reads `entrypoint`.
pub(in crate::spec) fn read_entrypoint<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<Vec<String>>> {
    let words = read(cx, item, ENTRYPOINT)?;
    if let [only] = words.value.as_slice()
        && let Some((program, _)) = only.split_once(' ')
    {
        let warning = shell_words(&words, program);
        cx.report(warning, ENTRYPOINT, &item.scope);
    }
    Some(words)
}

/// Reads `cmd`.
pub(in crate::spec) fn read_cmd<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<Vec<String>>> {
    read(cx, item, CMD)
}

fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, form: Form) -> Option<Spanned<Vec<String>>> {
    let mut reader = Reader::new(cx, item, form);
    let words = reader.words("a program or an argument");
    let span = reader.span();
    let whole = words.len() == reader.node().args.len() && !words.is_empty();
    reader.finish();
    whole.then(|| Spanned::new(words.into_iter().map(|word| word.value).collect(), span))
}

fn shell_words(words: &Spanned<Vec<String>>, program: &str) -> Diagnostic {
    let message = "the entrypoint is one word with spaces: no shell splits it into program and arguments";
    Diagnostic::warning("spec::shell-words", message, words.span, "one word")
        .with_help(format!("write each argument on its own: `entrypoint \"{}\" …`", mistake::clip(program)))
}
