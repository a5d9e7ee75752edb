//! `stop-signal`: the signal that stops an image's program.

use crate::diagnostic::nearest;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const STOP_SIGNAL: Form = Form::new("stop-signal", "stop-signal \"SIGINT\"");

/// The signals that can stop a program, and those that programs are known to use for it.
const NAMES: [&str; 12] = [
    "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGABRT", "SIGALRM",
    "SIGPIPE", "SIGPWR",
];

/// Reads `stop-signal`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<String>> {
    let mut reader = Reader::new(cx, item, STOP_SIGNAL);
    let signal = reader.word("the name of a signal");
    let signal = signal.filter(|signal| {
        let known = NAMES.contains(&signal.as_str()) || is_real_time(signal);
        if !known {
            let upper = format!("SIG{}", signal.to_uppercase().trim_start_matches("SIG"));
            let help = match nearest(&upper, NAMES) {
                Some(near) => format!("did you mean `\"{near}\"`?"),
                None => format!("choose from {}, or `SIGRTMIN+1` to `SIGRTMIN+30`", NAMES.join(", ")),
            };
            let message = format!("`{}` is no signal that stops a program", mistake::clip(signal));
            reader.report(mistake::bad_value(signal.span, message, help));
        }
        known
    });
    reader.finish();
    signal
}

/// systemd, for one, is stopped by `SIGRTMIN+3`.
fn is_real_time(name: &str) -> bool {
    let number = name.strip_prefix("SIGRTMIN+").and_then(|number| number.parse::<u8>().ok());
    number.is_some_and(|number| (1..=30).contains(&number))
}
