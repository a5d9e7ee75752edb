//! The rules.

use super::{Control, Family, Rule, Severity, Standard};

const fn cis(number: &'static str) -> Control {
    Control { standard: Standard::Cis, number }
}

const fn nist(number: &'static str) -> Control {
    Control { standard: Standard::Nist, number }
}

const fn pci(number: &'static str) -> Control {
    Control { standard: Standard::Pci, number }
}

const fn hipaa(number: &'static str) -> Control {
    Control { standard: Standard::Hipaa, number }
}

/// What a hole is against: patches in time, and the knowledge of what is installed.
const HOLES: &[Control] = &[
    cis("4.4"),
    nist("4.1.1"),
    pci("6.3.1"),
    pci("6.3.3"),
    pci("11.3.1"),
    hipaa("164.308(a)(1)(ii)(A)"),
    hipaa("164.308(a)(1)(ii)(B)"),
    hipaa("164.308(a)(8)"),
];

/// What more rights than needed are against.
const RIGHTS: &[Control] = &[cis("4.8"), nist("4.1.2"), pci("2.2.6"), pci("7.2.5"), hipaa("164.312(a)(1)")];

/// What more programs than needed are against.
const PROGRAMS: &[Control] = &[cis("4.3"), nist("4.1.2"), pci("2.2.4"), hipaa("164.308(a)(1)(ii)(B)")];

/// What inputs that nobody vouches for are against.
const TRUST: &[Control] = &[cis("4.11"), nist("4.1.5"), pci("6.3.2"), hipaa("164.308(a)(5)(ii)(B)")];

/// All rules, sorted by family, then by name.
pub static RULES: &[Rule] = &[
    Rule {
        id: "old-database",
        family: Family::Vulnerability,
        title: "the database of advisories is old",
        severity: Severity::Medium,
        remedy: "bring the database up to date with `kiln db update`, and the lock with `kiln lock --update advisories`",
        controls: &[cis("4.4"), nist("4.1.1"), pci("11.3.1"), hipaa("164.308(a)(8)")],
    },
    Rule {
        id: "unmaintained",
        family: Family::Vulnerability,
        title: "a package that nobody maintains any more",
        severity: Severity::Low,
        remedy: "replace the package with one that is maintained",
        controls: &[cis("4.4"), nist("4.1.1"), pci("6.3.2"), pci("12.3.4")],
    },
    Rule {
        id: "vulnerability",
        family: Family::Vulnerability,
        title: "a package with a known hole",
        severity: Severity::Medium,
        remedy: "take a version in which it is fixed, or accept it with a reason and a date",
        controls: HOLES,
    },
    Rule {
        id: "secret",
        family: Family::Secret,
        title: "a secret that everybody with the image can read",
        severity: Severity::High,
        remedy: "revoke it where it was issued, remove it, and give it to the command as a `secret`",
        controls: &[
            cis("4.10"),
            nist("4.1.4"),
            pci("8.3.2"),
            pci("8.6.2"),
            hipaa("164.308(a)(5)(ii)(D)"),
            hipaa("164.312(d)"),
        ],
    },
    Rule {
        id: "compiler",
        family: Family::Configuration,
        title: "a compiler in the image",
        severity: Severity::Low,
        remedy: "compile in a `stage`, and copy what it made into the image",
        controls: PROGRAMS,
    },
    Rule {
        id: "debugger",
        family: Family::Configuration,
        title: "a debugger or a tool to watch programs in the image",
        severity: Severity::Low,
        remedy: "leave it out, and bring it in when it is needed, with an ephemeral container",
        controls: PROGRAMS,
    },
    Rule {
        id: "file-capability",
        family: Family::Configuration,
        title: "a program that gets capabilities from its file",
        severity: Severity::Medium,
        remedy: "remove the capabilities in a `run`, or accept the path with a reason",
        controls: &[cis("5.4"), nist("4.1.2"), pci("2.2.6"), pci("7.2.5"), hipaa("164.312(a)(1)")],
    },
    Rule {
        id: "missing-healthcheck",
        family: Family::Configuration,
        title: "no health check",
        severity: Severity::Low,
        remedy: "say with `healthcheck` how to tell that the program is well",
        controls: &[cis("4.6")],
    },
    Rule {
        id: "missing-label",
        family: Family::Configuration,
        title: "a label that is wanted is missing",
        severity: Severity::Low,
        remedy: "add it with `label`",
        controls: &[pci("12.5.1")],
    },
    Rule {
        id: "package-manager",
        family: Family::Configuration,
        title: "a package manager in the image",
        severity: Severity::Low,
        remedy: "leave it out: packages are installed by kiln, and an image is replaced, not updated",
        controls: PROGRAMS,
    },
    Rule {
        id: "privileged-port",
        family: Family::Configuration,
        title: "a port below 1024",
        severity: Severity::Low,
        remedy: "let the program listen at a port from 1024 on, and map it where the image runs",
        controls: &[cis("5.8"), cis("5.9"), nist("4.1.2"), pci("2.2.4")],
    },
    Rule {
        id: "remote-shell",
        family: Family::Configuration,
        title: "a server for shells from afar in the image",
        severity: Severity::Medium,
        remedy: "leave it out: containers are entered through the runtime",
        controls: &[cis("4.3"), cis("5.7"), nist("4.1.2"), pci("2.2.4"), pci("2.2.7"), hipaa("164.312(a)(1)")],
    },
    Rule {
        id: "root-user",
        family: Family::Configuration,
        title: "the program runs as root",
        severity: Severity::High,
        remedy: "name another user with `user`, by number where you can: `user 65532`",
        controls: &[cis("4.1"), nist("4.1.2"), pci("2.2.6"), pci("7.2.5"), hipaa("164.312(a)(1)")],
    },
    Rule {
        id: "setgid",
        family: Family::Configuration,
        title: "a program that runs with the rights of its group",
        severity: Severity::Medium,
        remedy: "take the bit away with `chmod g-s` in a `run`, or leave the program out with `remove`",
        controls: RIGHTS,
    },
    Rule {
        id: "setuid",
        family: Family::Configuration,
        title: "a program that runs with the rights of its owner",
        severity: Severity::Medium,
        remedy: "take the bit away with `chmod u-s` in a `run`, or leave the program out with `remove`",
        controls: RIGHTS,
    },
    Rule {
        id: "shell",
        family: Family::Configuration,
        title: "a shell in the image",
        severity: Severity::Low,
        remedy: "leave it out: most programs start without one",
        controls: PROGRAMS,
    },
    Rule {
        id: "shell-entrypoint",
        family: Family::Configuration,
        title: "the program is started by a shell",
        severity: Severity::Low,
        remedy: "name the program and its arguments in `entrypoint`, each as a value of its own, so that signals reach it",
        controls: &[],
    },
    Rule {
        id: "unattributed-file",
        family: Family::Configuration,
        title: "a file of which nobody knows where it comes from",
        severity: Severity::Medium,
        remedy: "use a base image that has a bill of materials, or copy the file from a source",
        controls: TRUST,
    },
    Rule {
        id: "unknown-user",
        family: Family::Configuration,
        title: "the user or the group that the program runs as is not in the image",
        severity: Severity::Medium,
        remedy: "make it with `account` or `group`, or name it by number",
        controls: &[cis("4.1"), nist("4.1.2")],
    },
    Rule {
        id: "unread-file",
        family: Family::Configuration,
        title: "a file that could not be read, so that nobody knows what is in it",
        severity: Severity::Medium,
        remedy: "write the file again, or leave it out with `remove`",
        controls: &[cis("4.4"), nist("4.1.1"), pci("6.3.2")],
    },
    Rule {
        id: "world-writable",
        family: Family::Configuration,
        title: "a file or folder that everybody may change",
        severity: Severity::Medium,
        remedy: "set its mode with `mode=` where it is copied or made, or with `chmod o-w` in a `run`",
        controls: &[nist("4.1.2"), pci("2.2.6"), hipaa("164.312(c)(1)")],
    },
    Rule {
        id: "end-of-life",
        family: Family::Origin,
        title: "a distribution that gets no repairs any more",
        severity: Severity::High,
        remedy: "take a release that is supported",
        controls: &[cis("4.2"), cis("4.4"), nist("4.1.1"), pci("6.3.3"), pci("12.3.4"), hipaa("164.308(a)(1)(ii)(B)")],
    },
    Rule {
        id: "foreign-host",
        family: Family::Origin,
        title: "an input of a host that the policy does not allow",
        severity: Severity::Medium,
        remedy: "bring it to a host of the list, or have the host added to the policy",
        controls: TRUST,
    },
    Rule {
        id: "http-source",
        family: Family::Origin,
        title: "an input that travels without encryption",
        severity: Severity::Medium,
        remedy: "name it with `https://`",
        controls: &[cis("4.11"), nist("4.1.5"), pci("6.2.1"), hipaa("164.308(a)(5)(ii)(B)")],
    },
    Rule {
        id: "latest-tag",
        family: Family::Origin,
        title: "an image that is named by a tag that moves",
        severity: Severity::Low,
        remedy: "name the version's tag, or the digest: `docker.io/library/debian:13.1`",
        controls: &[cis("4.2"), nist("4.2.2"), pci("6.5.1")],
    },
    Rule {
        id: "maintainer-script",
        family: Family::Origin,
        title: "packages' own scripts ran",
        severity: Severity::Low,
        remedy: "leave `scripts` out, so that kiln does what they would do, where it can",
        controls: &[],
    },
    Rule {
        id: "network",
        family: Family::Origin,
        title: "a command reached the network",
        severity: Severity::Medium,
        remedy: "declare what it fetches as a `source`, and take `network` away",
        controls: &[cis("4.11"), nist("4.1.5"), pci("6.3.2"), hipaa("164.308(a)(5)(ii)(B)")],
    },
    Rule {
        id: "unpinned-input",
        family: Family::Origin,
        title: "an input that is not pinned in the spec",
        severity: Severity::Low,
        remedy: "write its digest into the spec: `sha256=` of a download, a commit of a repository, a digest of an image",
        controls: &[cis("4.11"), nist("4.1.5"), nist("4.2.2"), pci("6.5.1"), hipaa("164.308(a)(5)(ii)(B)")],
    },
    Rule {
        id: "unsigned-base",
        family: Family::Origin,
        title: "an image that nobody vouches for is built upon",
        severity: Severity::High,
        remedy: "name the key that must have signed it: `signed-by=\"keys/base.pub\"`",
        controls: &[cis("4.2"), cis("4.5"), cis("4.12"), nist("4.1.5"), pci("6.2.1"), hipaa("164.308(a)(5)(ii)(B)")],
    },
    Rule {
        id: "licence",
        family: Family::Licence,
        title: "a package whose licence is refused",
        severity: Severity::Medium,
        remedy: "replace the package, or accept its licence with a reason",
        controls: &[],
    },
];
