use super::*;
use crate::store::Store;
use crate::tree::Tree;

/// Runs a script in a root with `/etc`; gives its exit code and what it wrote to `/out`.
fn run(script: &str) -> (i32, String) {
    let (outcome, text) = attempt(script);
    let outcome = outcome.unwrap_or_else(|stop| panic!("{script}\n{stop:?}"));
    (outcome.status, text)
}

fn attempt(script: &str) -> (Run<Outcome>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut root = Root::new(&Store::open(folder.path()).unwrap(), Tree::new());
    root.make_dirs("/etc", 0o755).unwrap();
    let mut scene = Scene::new("amd64");
    let outcome = Shell::new(&mut root, &mut scene, BTreeMap::new()).run_script(script, &["configure", ""]);
    let text = root.read("/out").map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default();
    (outcome, text)
}

fn printed(script: &str) -> String {
    run(&format!("{{\n{script}\n}} > /out")).1
}

fn obstacle(script: &str) -> Obstacle {
    match attempt(script).0 {
        Err(Stop::Obstacle(obstacle)) => *obstacle,
        other => panic!("{script}\n{other:?}"),
    }
}

#[test]
fn words_are_expanded_as_a_shell_does() {
    let cases = [
        ("echo a  'b  c' \"d  e\" f\\ g", "a b  c d  e f g\n"),
        ("x='1  2'; echo $x \"$x\"", "1 2 1  2\n"),
        ("echo \"$1-$2-$#-${3-none}\"", "configure--2-none\n"),
        ("x=; echo ${x:-a} ${x-b} ${y:-c} ${y+d}${x+e}${x:+f}", "a c e\n"),
        (": ${z:=v}; echo $z", "v\n"),
        ("p=/a/b/c.tar.gz; echo ${p##*/} ${p%/*} ${p%%.*} ${p#*/} ${#p}", "c.tar.gz /a/b /a/b/c a/b/c.tar.gz 13\n"),
        ("x=aXbXc; echo ${x/X/-} ${x//X/-}", "a-bXc a-b-c\n"),
        ("set -- 'a b' c; for i in \"$@\"; do echo \"<$i>\"; done", "<a b>\n<c>\n"),
        ("set --; for i in \"$@\"; do echo never; done; echo ${1+\"$@\"}end", "end\n"),
        ("echo $(echo a; echo b) `echo \\`echo c\\``", "a b c\n"),
        ("echo $((1 + 2 * 3)) $(( (7 - 1) / 4 )) $((010))", "7 1 8\n"),
        ("touch /etc/b /etc/a /etc/.h; echo /etc/* /etc/[a] '/etc/*' /none/*", "/etc/a /etc/b /etc/a /etc/* /none/*\n"),
        ("IFS=:; x=a:b::c; for i in $x; do printf '<%s>' \"$i\"; done", "<a><b><><c>"),
        ("echo \"a\\\"b\\$c\\x\" '$x' $", "a\"b$c\\x $x $\n"),
        ("x=\"*\"; echo \"$x\"", "*\n"),
        ("echo ''\"\" | wc -c", "1\n"),
        ("printf '%s=%d\\n' a 1 b 2; printf '%5s|%-5s|%03d\\n' x y 7", "a=1\nb=2\n    x|y    |007\n"),
    ];
    for (script, expected) in cases {
        assert_eq!(printed(script), expected, "{script}");
    }
}

#[test]
fn control_flow_is_that_of_a_shell() {
    let cases = [
        ("if false; then echo a; elif [ 1 = 1 ]; then echo b; else echo c; fi", "b\n"),
        ("case /a/b in /x*|/y*) echo no;; /a/*) echo yes;; *) echo no;; esac", "yes\n"),
        ("case $1 in\nconfigure)\n echo c ;;\n*) echo x ;;\nesac", "c\n"),
        (
            "i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done",
            "1\n3\n",
        ),
        ("until true; do echo no; done; for i; do echo \"[$i]\"; done", "[configure]\n[]\n"),
        ("f() { local x=in; echo $x $1; return 3; }; x=out; f arg || echo $? $x", "in arg\n3 out\n"),
        ("f() { local x=in; local x y; echo $x $y; }; y=out; f; echo ${x-none}", "in out\nnone\n"),
        ("f() ( x=in ); x=out; f; echo $x; (x=sub); echo $x; { x=grp; }; echo $x", "out\nout\ngrp\n"),
        ("echo a | { read x; echo $x; }; echo b | while read -r y; do z=$y; done; echo \"<$z>\"", "a\n<>\n"),
        ("cat <<-E\n\tx$1\n\tE\ncat <<'E'\n$1\nE", "xconfigure\n$1\n"),
        ("! true || echo n; true && ! false && echo m", "n\nm\n"),
        ("x=1 sh -c 'echo done'; eval \"y=2; echo \\$y\"", "done\n2\n"),
        ("echo err >&2; echo out; { echo both; } 2>&1", "out\nboth\n"),
        (
            "set -- -a -b v rest; while getopts ab: o; do echo $o $OPTARG; done; shift $((OPTIND-1)); echo $1",
            "a\nb v\nrest\n",
        ),
        (
            "printf '#!/bin/sh\\nwhile getopts c o; do echo $o; done; echo [$none] $0' > /x; chmod +x /x; set -u; set -- -a -b\n\
             while getopts ab o; do echo $o; /x -c; done",
            "a\nc\n[] /x\nb\nc\n[] /x\n",
        ),
        ("printf 'a b c\\nd\\n' | while read x y; do echo \"$x|$y\"; done", "a|b c\nd|\n"),
        ("[[ -n x && ab == a* ]] && echo yes; [[ ab == b* ]] || echo no", "yes\nno\n"),
        ("alias say='echo -n'; say a; say b", "ab"),
        ("exec 3>&1; echo three >&3; exec 3>&-", "three\n"),
    ];
    for (script, expected) in cases {
        assert_eq!(printed(script), expected, "{script}");
    }
}

#[test]
fn failures_end_a_script_where_they_should() {
    let cases = [
        ("set -e; false; echo no > /out", 1, ""),
        ("set -e; false || true; echo yes > /out", 0, "yes\n"),
        ("set -e; if false; then :; fi; echo yes > /out", 0, "yes\n"),
        ("set -e; ! true; echo yes > /out", 0, "yes\n"),
        ("set -e; false && true; echo yes > /out", 0, "yes\n"),
        ("set -e; f() { false; echo in > /out; }; f || true", 0, "in\n"),
        ("set -e; x=$(false); echo no > /out", 1, ""),
        ("set -e; false | true; echo yes > /out", 0, "yes\n"),
        ("set -e; set -o pipefail; false | true; echo no > /out", 1, ""),
        ("set -e; (exit 3); echo no > /out", 3, ""),
        ("#!/bin/sh -e\nfalse\necho no > /out", 1, ""),
        ("set -u; echo $nothing > /out", 2, ""),
        ("trap 'echo bye > /out' EXIT; exit 4", 4, "bye\n"),
        ("false; echo $? > /out; exit", 0, "1\n"),
        ("cat /missing; echo $? > /out", 0, "1\n"),
        (". /missing; echo no > /out", 2, ""),
        ("> /etc/x/y; echo $? > /out", 0, "2\n"),
    ];
    for (script, status, text) in cases {
        assert_eq!(run(script), (status, text.to_owned()), "{script}");
    }
}

#[test]
fn tests_look_at_the_tree_and_nothing_else() {
    let cases = [
        ("[ -d /run/systemd/system ]", 1),
        ("[ -d /etc ] && [ ! -e /etc/none ]", 0),
        ("touch /etc/f; [ -f /etc/f -a ! -s /etc/f ]", 0),
        ("ln -s f /etc/l; [ -L /etc/l ] && [ ! -e /etc/l ]", 0),
        ("test -z \"\" -o -n \"\"", 0),
        ("[ \\( 1 -eq 1 \\) -a 2 -gt 1 ]", 0),
        ("[ a ] && [ ! '' ]", 0),
        ("[ x$1 = xconfigure ]", 0),
        ("touch /etc/f; chmod 755 /etc/f; [ -x /etc/f ]", 0),
        ("[ -t 0 ]", 1),
        ("[ a -eq 1 ] 2> /dev/null", 1),
        ("command -v update-menus", 1),
        ("command -v dpkg > /dev/null", 0),
        ("command -v adduser > /dev/null", 1),
    ];
    for (script, status) in cases {
        assert_eq!(run(script).0, status, "{script}");
    }
}

#[test]
fn what_is_not_understood_is_told_with_its_line() {
    let cases = [
        ("set -e\n\n  frobnicate -x # why\n", 3, "frobnicate"),
        ("if true; then\necho a &\nfi", 2, "background"),
        ("x=(a b)", 1, "arrays"),
        ("cat <<< x", 1, "<<<"),
        ("mkdir --strange /x", 1, "--strange"),
        ("if true; then echo", 1, "no `fi`"),
        ("echo 'a", 1, "not closed"),
        ("a ) b", 1, "belongs to no command"),
        ("perl -e 'print 1'", 1, "Perl"),
        ("openssl genrsa", 1, "secret"),
        ("sed -e 'N;P;D' /etc/x", 1, "sed"),
        ("chown nobody-known /etc", 1, "no user `nobody-known`"),
        ("cat <<E\nnever ends", 2, "no end"),
        ("${x:1:2}", 1, "not understood"),
    ];
    for (script, line, reason) in cases {
        let found = obstacle(script);
        assert!(found.line == line && found.reason.contains(reason), "{script}: {found:?}");
    }
    assert_eq!(obstacle("set -e\n  frobnicate -x").text, "frobnicate -x");
    // What is not reached does not matter.
    assert_eq!(run("if [ -n \"$2\" ]; then frobnicate; fi").0, 0);
}

#[test]
fn scripts_of_the_tree_run_by_the_same_rules() {
    let script = "mkdir -p /usr/bin\nprintf '#!/bin/sh\\necho \"$0\" $1 > /out\\nexit 5\\n' > /usr/bin/tool\nchmod 755 /usr/bin/tool\n";
    assert_eq!(run(&format!("{script}tool arg")).0, 5);
    let found = obstacle("mkdir -p /usr/bin\nprintf '#!/bin/sh\\n\\nfrobnicate\\n' > /usr/bin/tool\ntool");
    assert_eq!((found.line, found.file.as_deref(), found.text.as_str()), (3, Some("tool"), "frobnicate"));
    let found = obstacle("printf 'f() {\\n frobnicate\\n}\\n' > /etc/lib\n. /etc/lib\nf");
    assert_eq!((found.line, found.file.as_deref(), found.text.as_str()), (2, Some("/etc/lib"), "frobnicate"));
    let program = "mkdir -p /usr/bin\nprintf '#!/usr/bin/python3\\n' > /usr/bin/tool\ntool";
    assert!(obstacle(program).reason.contains("does not know"));
}

#[test]
fn hostile_scripts_end() {
    let cases = [
        "while :; do :; done",
        "f() { f; }; f",
        "x=a; while :; do x=$x$x; done",
        ":(){ :|:; }; :",
        "eval 'eval \"$0\"'; a() { eval a; }; a",
        "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done > /out",
    ];
    for script in cases {
        obstacle(script);
    }
    for deep in ["(", "{ ", "$(", "if true; then ", "\"${x:-", "`", "((", "! ", "case x in x) "] {
        let _ = attempt(&deep.repeat(20_000));
    }
}

#[test]
fn any_text_can_be_read() {
    use proptest::prelude::*;
    proptest!(ProptestConfig::with_cases(300), |(text in "[a-c \n\t;&|<>()${}\"'`\\\\#=*?\\[\\]!-]{0,60}")| {
        let _ = parse::parse(&text);
    });
}
