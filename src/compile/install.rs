//! Packages that dpkg installs with their scripts, as an exec operation.
//!
//! The state before it is not what it begins with: without a base that is a new system, in which nothing is unpacked but
//! what dpkg itself needs. So scripts find what they find on any Debian machine. The files of packages that it leaves as
//! they are in their archives are those that the move before it has put there already.

use super::file_system::FileSystem;
use super::recipe::{CommandPlan, Move, Origin};
use super::{Compiler, Subject, run};
use crate::llb::exec::{Exec, Mount, MountKind, STEP_EPOCH};
use crate::llb::{Note, Output};
use crate::packages::deb::set::install::{KIT, PROGRAM};
use crate::spec::Surroundings;

/// What the scripts find in their environment.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("PATH", run::PATH),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("TZ", "UTC"),
    ("TERM", "dumb"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
    ("SYSTEMD_OFFLINE", "1"),
];

/// Adds the installation of a level's packages, where their scripts are executed; `before` is the state that they are
/// installed into where it has dpkg already.
pub(super) fn lower(
    compiler: &mut Compiler<'_>,
    subject: Subject<'_>,
    level: usize,
    before: Option<Output>,
    made: &mut FileSystem,
) {
    let Some(installation) = subject.inputs.installations.get(level).copied().flatten() else { return };
    let (owner, image) = (subject.levels[level].name(), &subject.levels[level].image);
    let span = image.runs_scripts().unwrap_or(image.span);
    let system = installation.system.map(|system| {
        let note = Note::named(format!("unpack the system of {owner}")).and_at(span);
        compiler.store_image("system", &system, note)
    });
    let kit = compiler.store_image("kit", &installation.kit, Note::named(format!("archives of {owner}")).and_at(span));
    let env = ENVIRONMENT.map(|(name, value)| format!("{name}={value}")).into_iter();
    let exec = Exec {
        env: env.chain([format!("SOURCE_DATE_EPOCH={STEP_EPOCH}")]).collect(),
        hostname: run::HOSTNAME.into(),
        limits: run::limits([&image.surroundings, &Surroundings::default()]),
        mounts: vec![Mount {
            target: KIT.into(),
            kind: MountKind::Tree { from: Some(kit), selector: "/".into(), writable: false },
        }],
        ..Exec::new(system.or(before), ["/bin/sh", PROGRAM])
    };
    let note = Note::named(format!("configure packages of {owner}")).and_at(span);
    let Some(root) = compiler.builder.exec(exec, note).root else { return };
    made.commands.push(CommandPlan {
        stage: owner.strip_prefix("stage ").map(str::to_owned),
        vertex: root.vertex,
        name: "configure packages".into(),
        installs: true,
        from: made.from.clone(),
        mounted: [].into(),
        check: None,
        span,
    });
    made.advance(root, level, Origin::Scripts { span });
}

/// The states that the files of installed packages are compared with; nothing else is made of them.
pub(super) fn beside(made: &FileSystem) -> impl Iterator<Item = Output> + '_ {
    let is_scripts = |pair: &&[Move]| matches!(pair, [_, Move { origin: Origin::Scripts { .. }, .. }]);
    made.moves.windows(2).filter(is_scripts).map(|pair| pair[0].state)
}
