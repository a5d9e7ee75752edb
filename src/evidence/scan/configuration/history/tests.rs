use super::super::origin::InputKind;
use super::script::Script;
use super::{Step, history, step};
use crate::oci::ImageConfig;
use std::collections::BTreeMap;

/// What an image with these lines of history says that it was made of, and the commands that reached the network.
fn told(lines: &[&str]) -> (Vec<InputKind>, Vec<String>) {
    let lines: Vec<_> = lines.iter().map(|line| serde_json::json!({ "created_by": line })).collect();
    of(&serde_json::json!({ "history": lines }), &[])
}

fn of(more: &serde_json::Value, annotations: &[(&str, &str)]) -> (Vec<InputKind>, Vec<String>) {
    let mut config = serde_json::json!({ "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [] } });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    let config: ImageConfig = serde_json::from_value(config).unwrap();
    let annotations: BTreeMap<String, String> =
        annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (inputs, commands) = history(&config, &annotations);
    (inputs.into_iter().map(|input| input.kind).collect(), commands.into_iter().map(|command| command.name).collect())
}

fn download(url: &str, pinned: bool, runs: bool) -> InputKind {
    InputKind::Download { url: url.into(), pinned, runs }
}

#[test]
fn lines_of_all_builders_are_understood() {
    let add = |words| Some(Step::Add(words));
    let run = |text| Some(Step::Run(text));
    assert_eq!(step("ADD https://example.com/a.tgz /opt/ # buildkit"), add("https://example.com/a.tgz /opt/"));
    assert_eq!(step("/bin/sh -c #(nop) ADD file:1b4f0e in / "), add("file:1b4f0e in /"));
    assert_eq!(step("/bin/sh -c #(nop)  CMD [\"bash\"]"), None);
    assert_eq!(step("RUN /bin/sh -c apt-get update # buildkit"), run("apt-get update"));
    assert_eq!(step("RUN |2 A=1 B=2 /bin/bash -o pipefail -c make # buildkit"), run("make"));
    assert_eq!(step("|1 VERSION=3 /bin/sh -c make"), run("make"));
    assert_eq!(step("/bin/sh -c make install"), run("make install"));
    assert_eq!(step("RUN apk add --no-cache curl"), run("apk add --no-cache curl"));
    assert_eq!(step("CMD [\"/bin/sh\" \"-c\" \"curl http://example.com\"]"), None);
    assert_eq!(step("COPY /app /app # buildkit"), None);
    assert_eq!(step("bazel build //image"), None);
}

#[test]
fn what_add_fetches_is_an_input() {
    let commit = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12";
    let (inputs, commands) = told(&[
        "ADD http://example.com/a.tgz /opt/ # buildkit",
        "ADD --chown=1:1 --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/b /b",
        "ADD https://git.example.com/lib.git#v1 /lib # buildkit",
        &format!("ADD git@git.example.com:team/lib.git#{commit} /lib2 # buildkit"),
        "ADD rootfs.tar.xz / # buildkit",
        "ADD [\"https://example.com/c\", \"/c d\"]",
        "ADD",
        "ADD https://example.com/alone",
    ]);
    let repository = |url: &str, pinned| InputKind::Repository { url: url.into(), pinned };
    assert_eq!(
        inputs,
        [
            download("http://example.com/a.tgz", false, false),
            download("https://example.com/b", true, false),
            repository("https://git.example.com/lib.git", false),
            repository("git@git.example.com:team/lib.git", true),
            download("https://example.com/c", false, false),
        ]
    );
    assert!(commands.is_empty());
}

#[test]
fn what_commands_fetch_is_an_input_and_what_is_piped_into_a_shell_is_run() {
    let runs = [
        "RUN /bin/sh -c curl -fsSL https://example.com/install.sh | sh # buildkit",
        "/bin/sh -c curl -sL https://example.com/install.sh | sudo -E bash -",
        "RUN bash <(curl -s https://example.com/install.sh)",
        "RUN sh -c \"$(wget -qO- https://example.com/install.sh)\"",
        "RUN eval `curl https://example.com/install.sh`",
    ];
    for line in runs {
        let (inputs, commands) = told(&[line]);
        assert_eq!(inputs, [download("https://example.com/install.sh", false, true)], "{line}");
        assert_eq!(commands.len(), 1, "{line}");
    }
    let fetched = |line: &str| told(&[line]).0;
    let checked =
        "/bin/sh -c set -eux; wget -O a.tgz \"https://example.com/a?x=1&y=2\"; echo \"$SUM *a.tgz\" | sha256sum -c -";
    assert_eq!(fetched(checked), [download("https://example.com/a?x=1&y=2", true, false)]);
    let unpacked = "RUN curl https://example.com/a.tgz | tar xz && sha256sum a";
    assert_eq!(fetched(unpacked), [download("https://example.com/a.tgz", false, false)]);
    let cloned = InputKind::Repository { url: "https://git.example.com/x".into(), pinned: false };
    assert_eq!(fetched("RUN git clone --depth 1 https://git.example.com/x /x"), [cloned]);
    // What only names an address fetches nothing, and what cannot be known is not guessed.
    let none: [InputKind; 0] = [];
    assert_eq!(fetched("RUN echo https://example.com > /etc/motd"), none);
    assert_eq!(fetched("RUN curl -o a $URL"), none);
}

#[test]
fn commands_that_install_reach_the_network() {
    let lines = [
        "/bin/sh -c apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
        "RUN |1 V=1 /bin/sh -c DEBIAN_FRONTEND=noninteractive apt-get -y install git # buildkit",
        "RUN python3 -m pip install flask",
        "RUN npm ci --omit=dev",
        "RUN curl -o a $URL",
    ];
    for line in lines {
        let (_, commands) = told(&[line]);
        assert_eq!(commands.len(), 1, "{line}");
    }
    for line in ["RUN apt-get clean", "RUN git config --global user.name x", "RUN make install", "RUN npm test"] {
        assert_eq!(told(&[line]).1.len(), 0, "{line}");
    }
    let (_, names) = told(&["RUN /bin/sh -c apk   add\n  curl # buildkit"]);
    assert_eq!(names, ["`apk add curl`"]);
}

#[test]
fn the_base_is_told_once_by_annotations_or_by_buildah() {
    let name = "org.opencontainers.image.base.name";
    let digest = ("org.opencontainers.image.base.digest", "sha256:00");
    let image =
        |reference: &str, pinned| InputKind::Image { reference: reference.into(), is_base: true, signed: None, pinned };
    let from = |text: &str| serde_json::json!({ "history": [{ "created_by": "/bin/sh -c true", "comment": text }] });
    let (inputs, _) = of(&from("FROM docker.io/library/alpine:latest"), &[(name, "alpine:latest"), digest]);
    assert_eq!(inputs, [image("alpine:latest", true)]);
    let (inputs, _) = of(&from("FROM docker.io/library/alpine:3.22"), &[]);
    assert_eq!(inputs, [image("docker.io/library/alpine:3.22", false)]);
    let labels = serde_json::json!({ "config": { "Labels": { name: "debian" } } });
    assert_eq!(of(&labels, &[]).0, [image("debian", false)]);
    let none: [InputKind; 0] = [];
    assert_eq!(of(&from("FROM scratch"), &[(name, "Not A Name")]).0, none);
}

#[test]
fn hostile_lines_end() {
    let long = format!("RUN /bin/sh -c {}", "curl http://example.com/$(curl ".repeat(20_000));
    let (inputs, commands) =
        told(&[&long, &"é".repeat(100_000), "RUN |", "RUN -c ", " -c ", "|1 -c x", "ADD # buildkit"]);
    assert!(inputs.len() <= super::MAX_INPUTS && commands.len() == 1);
    let many: Vec<String> = (0..2_000).map(|i| format!("ADD https://example.com/{i} /x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(told(&many).0.len(), super::MAX_LINES.min(super::MAX_INPUTS));
    assert_eq!(Script::read(""), Script::default());
}
