use super::commands::FAMILIES;
use super::*;
use crate::store::Store;
use crate::tree::{Entry, Tree};

struct World {
    root: Root,
    scene: Scene,
    _folder: tempfile::TempDir,
}

/// A root with Debian's accounts, and one package.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut root = Root::new(&Store::open(folder.path()).unwrap(), Tree::new());
    root.act_as(0, Some(86_400 * 20_000));
    root.make_dirs("/etc", 0o755).unwrap();
    root.write("/etc/passwd", b"root:*:0:0:root:/root:/bin/bash\nmail:*:8:8:mail:/var/mail:/x\n", 0o644).unwrap();
    root.write("/etc/group", b"root:*:0:\nmail:*:8:\nshadow:*:42:\n", 0o644).unwrap();
    let mut scene = Scene::new("amd64");
    let stanza = Stanza::parse("Package: aa\nVersion: 1.2-3\nArchitecture: amd64\n").unwrap();
    scene.packages.push(Known { stanza, files: vec!["/usr".into(), "/usr/share/aa".into()] });
    World { root, scene, _folder: folder }
}

impl World {
    fn run(&mut self, script: &str) -> &mut Self {
        let script = format!("#!/bin/sh\nset -e\n{script}\n");
        run(&mut self.root, &mut self.scene, 0, Script::Postinst, script.as_bytes()).unwrap().unwrap();
        self
    }

    fn problem(&mut self, script: &str) -> String {
        let script = format!("#!/bin/sh\nset -e\n{script}\n");
        run(&mut self.root, &mut self.scene, 0, Script::Postinst, script.as_bytes()).unwrap().unwrap_err().to_string()
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.root.read(path).unwrap()).unwrap()
    }

    fn entry(&self, path: &str) -> Entry {
        self.root.stat(path, false).unwrap_or_else(|| panic!("{path} is missing")).clone()
    }

    fn link(&self, path: &str) -> String {
        String::from_utf8(self.entry(path).link_target().unwrap().to_vec()).unwrap()
    }
}

#[test]
fn accounts_get_the_first_free_numbers() {
    let mut world = world();
    world.run(
        "adduser --system --group --home /var/lib/a --gecos 'A b' a\nadduser --system --no-create-home b\n\
         addgroup --system c\nadduser a c\nuseradd -r -d /d -s /bin/false d\ngroupadd -r -g 77 e\n\
         adduser --system --group a\nusermod -c new -aG c b",
    );
    let passwd = world.text("/etc/passwd");
    let expected = [
        "a:x:100:100:A b:/var/lib/a:/usr/sbin/nologin",
        "b:x:101:65534:new:/nonexistent:/usr/sbin/nologin",
        "d:x:999:999::/d:/bin/false",
    ];
    for line in expected {
        assert!(passwd.lines().any(|l| l == line), "{line}\n{passwd}");
    }
    let group = world.text("/etc/group");
    for line in ["a:x:100:", "c:x:102:a,b", "e:x:77:", "d:x:999:"] {
        assert!(group.lines().any(|l| l == line), "{line}\n{group}");
    }
    let home = world.entry("/var/lib/a");
    assert_eq!((home.uid, home.gid, home.mode), (100, 100, 0o755));
    world.run("getent passwd a | grep -q ^a: && ! getent group none && [ \"$(id -u a)\" = 100 ]");
}

#[test]
fn sysusers_files_declare_accounts() {
    let mut world = world();
    world.run(
        "mkdir -p /usr/lib/sysusers.d\ncat > /usr/lib/sysusers.d/x.conf <<E\n# comment\nu svc - \"A service\" /var/svc\n\
         u! fixed 55:mail - / /bin/sh\ng grp -\nm svc grp\nE\nsystemd-sysusers x.conf",
    );
    let passwd = world.text("/etc/passwd");
    assert!(passwd.contains("svc:x:998:998:A service:/var/svc:/usr/sbin/nologin\n"), "{passwd}");
    assert!(passwd.contains("fixed:x:55:8::/:/bin/sh\n"), "{passwd}");
    assert!(world.text("/etc/group").contains("grp:x:999:svc\n"));
    world.run(
        "mkdir -p /etc/sysusers.d\necho 'g hidden -' > /usr/lib/sysusers.d/y.conf\necho 'g shown -' > /etc/sysusers.d/y.conf\n\
         systemd-sysusers",
    );
    let group = world.text("/etc/group");
    assert!(group.contains("shown:x:") && !group.contains("hidden"), "{group}");
    assert!(world.problem("systemd-sysusers --strange x").contains("--strange"));
}

#[test]
fn capabilities_are_looked_at() {
    let mut world = world();
    world.run(
        "mkdir -p /srv\ntouch /srv/a /srv/b\n! setcap -v CAP_SYS_NICE=+ep /srv/a\nsetcap CAP_SYS_NICE=+ep /srv/a\n\
         setcap -v cap_sys_nice=ep /srv/a\n! setcap -v cap_net_raw=ep /srv/a\nsetcap cap_sys_nice+ep /srv/b",
    );
    assert_eq!(world.entry("/srv/a").xattrs, world.entry("/srv/b").xattrs);
}

#[test]
fn dpkg_query_knows_patterns_and_what_is_not_there() {
    let mut world = world();
    world.run(
        "dpkg-query --list 'a*' | grep -q '^ii  aa 1.2-3 '\n! dpkg-query --list 'b*'\n\
         ! dpkg-query --control-path bb:amd64 postrm",
    );
    assert!(world.problem("dpkg-query --control-path aa postrm").contains("dpkg-query"));
}

#[test]
fn find_prints_what_a_format_says() {
    let mut world = world();
    world.run("mkdir -p /srv/a/b\nfind /srv/a -mindepth 1 -printf '%p %P %h %f%%\\t' > /srv/out\ncd /srv/a; find b -printf '%h\\n' >> /srv/out");
    assert_eq!(world.text("/srv/out"), "/srv/a/b b /srv/a b%\t.\n");
    assert!(world.problem("find /srv -printf '%s'").contains("this format of `find -printf` is not understood"));
}

#[test]
fn passwords_move_to_the_shadow() {
    let mut world = world();
    world.run("shadowconfig on\nadduser --system z");
    assert!(world.text("/etc/passwd").starts_with("root:x:0:0:"));
    let shadow = world.text("/etc/shadow");
    assert!(shadow.starts_with("root:*:20000:0:99999:7:::\n") && shadow.contains("z:!:20000::::::\n"), "{shadow}");
    let entry = world.entry("/etc/shadow");
    assert_eq!((entry.mode, entry.uid, entry.gid), (0o640, 0, 42));
}

#[test]
fn names_of_accounts_cannot_break_lines() {
    let mut world = world();
    assert!(world.problem("adduser --system 'a:0:0'").contains("exit code"));
    world.run("adduser --system --gecos 'x:0:0:\nroot2::0:0' ok");
    assert_eq!(world.text("/etc/passwd").lines().count(), 3);
}

#[test]
fn the_best_alternative_wins_whatever_the_order() {
    let install = |path: &str, priority: u32| {
        format!(
            "update-alternatives --install /usr/bin/ed ed {path} {priority} --slave /usr/share/man/ed.1 ed.1 {path}.1\n"
        )
    };
    let files = "mkdir -p /usr/bin /usr/share/man\ntouch /usr/bin/a /usr/bin/b /usr/bin/c /usr/bin/b.1\n";
    let orders =
        [[("a", 10), ("b", 30), ("c", 30)], [("c", 30), ("b", 30), ("a", 10)], [("b", 30), ("c", 30), ("a", 10)]];
    for order in orders {
        let mut world = world();
        let calls: String = order.iter().map(|(name, n)| install(&format!("/usr/bin/{name}"), *n)).collect();
        world.run(&format!("{files}{calls}"));
        assert_eq!(world.link("/usr/bin/ed"), "/etc/alternatives/ed");
        assert_eq!(world.link("/etc/alternatives/ed"), "/usr/bin/b");
        assert_eq!(world.link("/usr/share/man/ed.1"), "/etc/alternatives/ed.1");
        // Without its manual page there are no links to one.
        world.run("update-alternatives --remove ed /usr/bin/b");
        assert_eq!(world.link("/etc/alternatives/ed"), "/usr/bin/c");
        assert!(world.root.stat("/usr/share/man/ed.1", false).is_none());
        world.run(
            "update-alternatives --set ed /usr/bin/a\nupdate-alternatives --query ed | grep -q 'Value: /usr/bin/a'",
        );
        assert_eq!(world.link("/etc/alternatives/ed"), "/usr/bin/a");
    }
    let mut world = world();
    assert!(world.problem("update-alternatives --install /x x /missing 1").contains("doesn't exist"));
    assert!(world.problem("update-alternatives --install /x ../x /missing 1").contains("not understood"));
}

#[test]
fn versions_packages_and_helpers_are_known() {
    let mut world = world();
    world.run(
        "dpkg --compare-versions '' lt 1.0\n! dpkg --compare-versions '' lt-nl 1.0\ndpkg --compare-versions 1.0~rc1 lt 1.0\n\
         [ $(dpkg --print-architecture) = amd64 ]\n[ \"$(dpkg-query -W -f='${Version}' aa)\" = 1.2-3 ]\n\
         ! dpkg -s none 2> /dev/null\ndpkg -s aa | grep -q '^Status: install ok installed'\n\
         [ \"$(dpkg -L aa | tail -1)\" = /usr/share/aa ]\n[ \"$(dpkg -S /usr/share/aa)\" = 'aa: /usr/share/aa' ]\n\
         dpkg-maintscript-helper rm_conffile /etc/x 1.0 -- \"$@\"\ninvoke-rc.d x start\ndeb-systemd-helper enable x\n\
         dpkg-statoverride --update --add root mail 2755 /etc/group\ndpkg-statoverride --list /etc/group > /dev/null",
    );
    assert_eq!((world.entry("/etc/group").mode, world.entry("/etc/group").gid), (0o2755, 8));
}

#[test]
fn questions_get_their_defaults() {
    let mut world = world();
    world.scene.debconf.load(
        "Template: aa/q\nType: string\nDefault: yes\nChoices-C: x, y\nDescription: d\n\nTemplate: aa/n\nType: note\n",
    );
    world.run(
        ". /usr/share/debconf/confmodule\ndb_version 2.0\ndb_input high aa/q || true\ndb_go || true\ndb_get aa/q\n\
         [ \"$RET\" = yes ]\ndb_set aa/q no\ndb_get aa/q && [ $RET = no ]\ndb_reset aa/q; db_get aa/q; [ $RET = yes ]\n\
         db_get aa/n && [ -z \"$RET\" ]\n! db_get aa/none\ndb_metaget aa/q choices; [ \"$RET\" = 'x, y' ]\ndb_stop",
    );
}

#[test]
fn files_get_modes_owners_and_links() {
    let mut world = world();
    world.run(
        "install -d -m 2775 -o root -g mail /var/mail\ninstall -D -m 600 /etc/group /srv/a/b\nln -s x /etc/l\nln -sfn y /etc/l\n\
         mkdir -p -m 700 /srv/m/n\ntouch /srv/t && chown root:mail /srv/t && chmod g+s,o-r /srv/t\ncp -a /srv /opt\nmv /srv/t /srv/u\n\
         cp -p /etc/passwd /etc/passwd-; x=$(mktemp); echo t > $x; ln -sr /srv/u /etc/rel\nln /srv/u /srv/v\nsetcap cap_net_raw+ep /srv/u",
    );
    let mail = world.entry("/var/mail");
    assert_eq!((mail.mode, mail.gid), (0o2775, 8));
    assert_eq!(world.entry("/srv/a/b").mode, 0o600);
    assert_eq!(world.link("/etc/l"), "y");
    assert_eq!(world.link("/etc/rel"), "../srv/u");
    assert_eq!((world.entry("/opt/t").mode, world.entry("/opt/t").gid), (0o2640, 8));
    assert!(world.root.stat("/srv/t", false).is_none());
    let capability = world.entry("/srv/u").xattrs.into_values().next().unwrap();
    assert_eq!(&*capability, b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert!(world.root.stat("/tmp", true).is_some());
    finish(&mut world.root, &mut world.scene).unwrap();
    assert!(world.root.stat("/tmp", true).is_none(), "temporary files go, and the folder that was made for them");
}

#[test]
fn the_time_zone_shells_and_snippets_of_debhelper_are_handled() {
    let mut world = world();
    world.run(
        "if [ \"$1\" = configure ] && [ -x \"`command -v update-menus`\" ]; then update-menus; fi\n\
         ln -nsf /usr/share/zoneinfo/Etc/UTC /etc/localtime.new && mv -f /etc/localtime.new /etc/localtime\n\
         mkdir -p /usr/share/debianutils/shells.d /usr/bin; echo /usr/bin/sh > /usr/share/debianutils/shells.d/dash\n\
         touch /usr/bin/sh; ln -s usr/bin /bin; update-shells; add-shell /bin/x\n\
         if which py3compile >/dev/null 2>&1; then py3compile -p x; fi\nif [ -d /run/systemd/system ]; then systemctl daemon-reload; fi",
    );
    assert_eq!(world.link("/etc/localtime"), "/usr/share/zoneinfo/Etc/UTC");
    assert!(world.text("/etc/shells").ends_with("/usr/bin/sh\n/bin/sh\n/bin/x\n"));
}

#[test]
fn tmpfiles_outside_of_volatile_folders_are_made() {
    let mut world = world();
    world.run(
        "mkdir -p /usr/lib/tmpfiles.d\nprintf 'd /var/lib/x 0750 root mail -\\nd /run/x 0755\\nL /etc/y - - - - ../z\\nf /etc/f 0600 - - - hi\\n' \
         > /usr/lib/tmpfiles.d/x.conf\nsystemd-tmpfiles --create x.conf",
    );
    assert_eq!((world.entry("/var/lib/x").mode, world.entry("/var/lib/x").gid), (0o750, 8));
    assert!(world.root.stat("/run/x", true).is_none());
    assert_eq!((world.link("/etc/y").as_str(), world.text("/etc/f").as_str()), ("../z", "hi"));
}

/// The tables of `specs/packages.md`.
fn catalogue() -> String {
    let mut text = String::new();
    for (title, family) in FAMILIES {
        text.push_str(&format!("\n### {title}\n\n| commands | here |\n|---|---|\n"));
        for command in family {
            let names: Vec<String> = command.names.iter().map(|name| format!("`{name}`")).collect();
            text.push_str(&format!("| {} | {} |\n", names.join(", "), command.about));
        }
    }
    text.push_str("\n### Handled by name\n\n| package | script | why |\n|---|---|---|\n");
    for entry in by_name::TABLE {
        text.push_str(&format!("| {} | {} | {} |\n", entry.package, entry.script.name(), entry.why));
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the switch that writes the page anew")]
fn the_documentation_lists_what_is_done() {
    const BEGIN: &str = "<!-- made from the tables in the code: begin -->\n";
    const END: &str = "\n<!-- made from the tables in the code: end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/packages.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (listed, after) = rest.split_once(END).unwrap();
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(path, [before, BEGIN, &catalogue(), END, after].concat()).unwrap();
    } else {
        assert!(listed == catalogue(), "run this test with KILN_BLESS=1 and look at the change of specs/packages.md");
    }
}

#[test]
fn no_command_is_declared_twice() {
    let mut seen = BTreeSet::new();
    for name in FAMILIES.iter().flat_map(|(_, family)| family.iter()).flat_map(|command| command.names) {
        assert!(seen.insert(name), "{name}");
    }
}
