//! Commands that only make caches, or that run programs of the package.

use super::{Declared, Effect};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};

pub(super) const COMMANDS: &[Declared] = &[
    Declared {
        names: &["py3compile", "py3clean", "pycompile", "pyclean", "py3versions", "pypy3compile"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: Python compiles what it imports; files are read-only in most containers, so it does so each time",
    },
    Declared {
        names: &[
            "fc-cache",
            "mkfontscale",
            "mkfontdir",
            "update-fonts-dir",
            "update-fonts-scale",
            "update-fonts-alias",
        ],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: fontconfig reads the folders when the cache is missing",
    },
    Declared {
        names: &["update-mime-database", "update-desktop-database", "update-mime"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: caches of desktops",
    },
    Declared {
        names: &["gtk-update-icon-cache", "update-icon-caches", "gtk4-update-icon-cache", "gtk-query-immodules-3.0"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: GTK reads the folders when the cache is missing",
    },
    Declared {
        names: &[
            "install-info",
            "update-info-dir",
            "mandb",
            "catman",
            "apropos",
            "update-menus",
            "update-dictcommon-aspell",
        ],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: indexes of documentation",
    },
    Declared {
        names: &["update-binfmts", "depmod", "update-initramfs", "update-grub", "sysctl", "kernel-install"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: the kernel is not the image's",
    },
    Declared {
        names: &["gio-querymodules"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: GLib asks the modules themselves when the cache is missing",
    },
    Declared {
        names: &["ldconfig"],
        effect: Effect::Run(ldconfig),
        essential: true,
        about: "the cache of libraries is made once, when all packages are there (see below)",
    },
    Declared {
        names: &["update-ca-certificates"],
        effect: Effect::Run(certificates),
        essential: false,
        about: "makes /etc/ssl/certs: links, hash links and the bundle (see below)",
    },
    Declared {
        names: &["python3", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"],
        effect: Effect::Run(python),
        essential: false,
        about: "nothing where it was to compile modules; anything else is not understood",
    },
    Declared {
        names: &["glib-compile-schemas"],
        effect: Effect::Run(schemas),
        essential: false,
        about: "nothing, with a warning: programs that read settings through GSettings need `gschemas.compiled`",
    },
    Declared {
        names: &["gdk-pixbuf-query-loaders", "update-gdkpixbuf-loaders"],
        effect: Effect::Run(loaders),
        essential: false,
        about: "nothing, with a warning: image formats beyond the built-in ones are not found",
    },
    Declared {
        names: &[
            "fmtutil-sys",
            "fmtutil",
            "updmap-sys",
            "updmap",
            "mktexlsr",
            "texhash",
            "update-updmap",
            "update-fmtutil",
        ],
        effect: Effect::Run(tex),
        essential: false,
        about: "nothing, with a warning: TeX makes its formats and maps when it is first run by someone who may write",
    },
    Declared {
        names: &["update-texmf", "update-language", "update-texmf-config", "tl-paper", "mtxrun", "luaotfload-tool"],
        effect: Effect::Run(tex),
        essential: false,
        about: "nothing, with the same warning",
    },
    Declared { names: &["paperconf"], effect: Effect::Run(paper), essential: false, about: "prints a4" },
    Declared {
        names: &[
            "/usr/lib/emacsen-common/emacs-install",
            "/usr/lib/emacsen-common/emacs-remove",
            "/usr/lib/emacsen-common/emacs-package-install",
            "/usr/lib/emacsen-common/emacs-package-remove",
        ],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: Emacs compiles what it loads",
    },
    Declared {
        names: &["sshd", "ssh-keygen"],
        effect: Effect::Run(host_keys),
        essential: false,
        about: "nothing, with a warning: the keys of a host must not be part of an image",
    },
    Declared {
        names: &["make-ssl-cert"],
        effect: Effect::Run(snake_oil),
        essential: false,
        about: "nothing, with a warning: a key must not be part of an image",
    },
    Declared {
        names: &[
            "pg_lsclusters",
            "pg_createcluster",
            "pg_conftool",
            "pg_updatedicts",
            "pg_ctlcluster",
            "/usr/share/postgresql-common/pg_checksystem",
            "/usr/share/postgresql-common/pg_updateaptconfig",
        ],
        effect: Effect::Run(clusters),
        essential: false,
        about: "nothing, with a warning: a database cluster is made when the container starts",
    },
    Declared {
        names: &["locale-gen", "localedef", "update-locale"],
        effect: Effect::Run(locales),
        essential: false,
        about: "nothing, with a warning: C.UTF-8 is there; other locales come with the package locales-all",
    },
];

fn ldconfig(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.wants_library_cache = true;
    Ok(0)
}

fn certificates(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    if arguments.iter().any(|a| a.starts_with("--") && !matches!(a.as_str(), "--hooksdir" | "--fresh" | "--verbose")) {
        return Err(shell.obstacle("this option of `update-ca-certificates` is not understood"));
    }
    let result = crate::packages::deb::emulate::certificates::update(shell.root);
    shell.answer(io, "update-ca-certificates", "/etc/ssl/certs", result)
}

fn python(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let compiles = |a: &String| a.contains("py_compile") || a.contains("compileall");
    if arguments.iter().any(compiles) { Ok(0) } else { Err(shell.obstacle("kiln runs no Python program")) }
}

fn schemas(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.warn(
        "the settings of GSettings are not compiled: where a program needs them, run `glib-compile-schemas \
         /usr/share/glib-2.0/schemas` in a step",
    );
    Ok(0)
}

fn loaders(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.warn(
        "the list of image formats of gdk-pixbuf is not made: where a program needs others than PNG and JPEG, run \
         `gdk-pixbuf-query-loaders --update-cache` in a step",
    );
    Ok(0)
}

fn tex(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell
        .scene
        .warn("formats, maps and file lists of TeX are not made: run `fmtutil-sys --all` and `updmap-sys` in a step");
    Ok(0)
}

fn paper(_: &mut Shell<'_>, _: &[String], io: &mut Io) -> Run<i32> {
    io.print("a4\n");
    Ok(0)
}

fn host_keys(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.warn("no host keys are made: run `ssh-keygen -A` when the container starts");
    Ok(0)
}

fn snake_oil(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.warn(
        "no self-signed certificate is made: run `make-ssl-cert generate-default-snakeoil` when the container starts",
    );
    Ok(0)
}

fn clusters(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.warn("no database cluster is made: run `pg_createcluster` when the container starts");
    Ok(0)
}

fn locales(shell: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    shell.scene.warn("no locales are generated: C.UTF-8 is there, others come with the package locales-all");
    Ok(0)
}
