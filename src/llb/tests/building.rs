use super::*;
use prost::Message;

#[test]
fn a_definition_has_the_form_that_buildkits_client_gives_it() {
    let definition = everything();
    let message = definition.message();
    let ops: Vec<pb::Op> = message.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()).collect();

    let digests: Vec<String> = message.def.iter().map(|bytes| Digest::of(bytes).to_string()).collect();
    for (i, op) in ops.iter().enumerate() {
        for input in &op.inputs {
            let at = digests.iter().position(|digest| *digest == input.digest).expect("inputs are there");
            assert!(at < i, "inputs stand before what takes them");
        }
    }
    let (last, others) = ops.split_last().unwrap();
    assert_eq!(last.inputs.len(), 1);
    assert!(last.op.is_none() && last.platform.is_none() && last.constraints.is_none());
    assert!(others.iter().all(|op| op.constraints == Some(pb::WorkerConstraints::default())));
    assert_eq!(message.metadata.keys().count(), ops.len(), "every operation has metadata");

    let last_caps: Vec<&str> = message.metadata[digests.last().unwrap()].caps.keys().map(String::as_str).collect();
    assert_eq!(last_caps, ["constraints", "meta.description", "platform"]);
}

#[test]
fn capabilities_say_what_an_operation_takes() {
    let definition = everything();
    let caps: Vec<Vec<&str>> = definition
        .message()
        .def
        .iter()
        .map(|bytes| {
            let metadata = &definition.message().metadata[&Digest::of(bytes).to_string()];
            metadata.caps.keys().map(String::as_str).collect()
        })
        .collect();
    assert!(caps.contains(&vec![
        "source.local",
        "source.local.excludepatterns",
        "source.local.followpaths",
        "source.local.includepatterns"
    ]));
    assert!(caps.contains(&vec!["source.http", "source.http.checksum", "source.http.perm"]));
    assert!(caps.contains(&vec!["source.ocilayout"]));
    assert!(caps.contains(&vec!["mergeop"]));
    assert!(caps.contains(&vec!["diffop"]));
    assert!(caps.contains(&vec![
        "file.base",
        "file.copy.includeexcludepatterns",
        "file.copy.modestring",
        "file.rm.wildcard",
        "file.symlink.create"
    ]));
}

/// The bytes of one small definition, written down field by field from the protocol:
/// a change here changes the digest of every graph that anyone has built.
#[test]
fn the_bytes_of_a_vertex_are_those_of_the_protocol() {
    let mut builder = builder();
    let context = local(&mut builder, "x");
    let definition = builder.finish(context, &Sources::default()).unwrap();
    // source (3) { identifier (1) "local://x" }, constraints (11) {}
    assert_eq!(definition.message().def[0], b"\x1a\x0b\x0a\x09local://x\x5a\x00");

    let op = FileOp { actions: vec![Action::Copy(Copy::new(Some(context), "/a", "/b"))], ..FileOp::default() };
    let copied = builder.file(op, Note::default());
    let definition = builder.finish(copied, &Sources::default()).unwrap();
    let minus_one = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let mut copy = b"\x0a\x02/a\x12\x02/b\x20".to_vec(); // src, dest, mode −1
    copy.extend_from_slice(minus_one);
    copy.extend_from_slice(b"\x40\x01\x58"); // createDestPath, timestamp −1
    copy.extend_from_slice(minus_one);
    let mut action = b"\x08".to_vec(); // input −1; secondaryInput 0 and output 0 are not written
    action.extend_from_slice(minus_one);
    action.extend_from_slice(&[0x22, u8::try_from(copy.len()).unwrap()]);
    action.extend_from_slice(&copy);
    let mut file = vec![0x12, u8::try_from(action.len()).unwrap()];
    file.extend_from_slice(&action);
    let digest = context.vertex.to_string();
    let mut op = vec![0x0a, u8::try_from(digest.len() + 2).unwrap(), 0x0a, u8::try_from(digest.len()).unwrap()];
    op.extend_from_slice(digest.as_bytes());
    op.extend_from_slice(&[0x22, u8::try_from(file.len()).unwrap()]);
    op.extend_from_slice(&file);
    op.extend_from_slice(b"\x5a\x00");
    assert_eq!(definition.message().def[1], op);
}

#[test]
fn equal_vertices_become_one_and_keep_all_their_places() {
    let (sources, id) = spec();
    let mut builder = builder();
    let first = builder.source("local://x", BTreeMap::new(), Note::named("one").and_at(Span::new(id, 9, 12)));
    let second = builder.source("local://x", BTreeMap::new(), Note::named("two").and_at(Span::new(id, 0, 4)));
    assert_eq!(first, second);
    let definition = builder.finish(first, &sources).unwrap();
    assert_eq!(definition.message().def.len(), 2);
    assert_eq!(definition.spans(&first.vertex), [Span::new(id, 0, 4), Span::new(id, 9, 12)]);
    assert_eq!(definition.graph().unwrap().vertex(&first.vertex).unwrap().name(), "one");
}

#[test]
fn only_what_the_output_takes_is_in_the_definition() {
    let mut builder = builder();
    let wanted = local(&mut builder, "wanted");
    local(&mut builder, "forgotten");
    let definition = builder.finish(wanted, &Sources::default()).unwrap();
    assert_eq!(definition.graph().unwrap().vertices().len(), 1);
}

#[test]
fn platform_and_names_of_a_vertex_are_no_part_of_what_does_not_depend_on_them() {
    let mut amd = Builder::new(Platform::linux("amd64", None));
    let mut arm = Builder::new(Platform::linux("arm64", None));
    assert_eq!(local(&mut amd, "x"), local(&mut arm, "x"));
    let identifier = attr::oci_layout("a/b", &Digest::of("m"));
    let image = |builder: &mut Builder| builder.source(&identifier, BTreeMap::new(), Note::default());
    assert_ne!(image(&mut amd), image(&mut arm));
    let named = arm.source("local://x", BTreeMap::new(), Note::named("a name"));
    assert_eq!(named, local(&mut amd, "x"));
}

#[test]
fn trivial_merges_and_differences_need_no_vertex() {
    let mut builder = builder();
    let tree = local(&mut builder, "x");
    assert_eq!(builder.merge(&[], Note::default()), None);
    assert_eq!(builder.merge(&[tree], Note::default()), Some(tree));
    assert_eq!(builder.diff(None, Some(tree), Note::default()), Some(tree));
    assert_eq!(builder.diff(None, None, Note::default()), None);
}

#[test]
fn named_owners_are_looked_up_in_the_tree_that_is_said() {
    let mut builder = builder();
    let context = local(&mut builder, "context");
    let accounts = local(&mut builder, "accounts");
    let mut copy = Copy::new(Some(context), "/", "/srv/");
    copy.owner = Some(Owner { user: Some(Account::Name("app".into())), group: None });
    let op = FileOp { base: None, accounts: Some(accounts), actions: vec![Action::Copy(copy.clone())] };
    let output = builder.file(op, Note::default());
    let graph = builder.finish(output, &Sources::default()).unwrap().graph().unwrap();
    assert_eq!(graph.vertex(&output.vertex).unwrap().inputs, [context, accounts]);

    let nowhere = FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] };
    let output = builder.file(nowhere, Note::default());
    let error = builder.finish(output, &Sources::default()).unwrap_err();
    assert!(error.to_string().contains("no tree to look it up in"), "{error}");
}

#[test]
fn the_source_map_holds_the_text_and_the_place() {
    let graph = everything().graph().unwrap();
    assert_eq!(graph.texts().len(), 1);
    assert_eq!(graph.texts()[0].name, "kiln.kdl");
    assert!(graph.texts()[0].data.starts_with(b"kiln 1\n"));
    let files = graph.vertices().iter().find(|vertex| vertex.name() == "the files").unwrap();
    assert_eq!(files.places, [Place { text: 0, start: (3, 4), end: (3, 13) }]);
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let mut builder = builder();
    let mut tree = None;
    for i in 0..20_000u32 {
        let actions = vec![Action::Mkfile(Mkfile::new("/a", 0o644, i.to_le_bytes()))];
        tree = Some(builder.file(FileOp { base: tree, accounts: None, actions }, Note::default()));
    }
    let definition = builder.finish(tree.unwrap(), &Sources::default()).unwrap();
    assert_eq!(definition.graph().unwrap().vertices().len(), 20_000);
}

/// What BuildKit's Go client (0.12) gives for the same graph: the same bytes, so the same digests.
#[test]
fn buildkits_own_client_gives_the_same_vertices() {
    let mut builder = builder();
    let attrs = attr::http(&Digest::of("a"), Some("a.tgz"), Some(0o600));
    let download = builder.source("https://example.com/a.tgz", attrs, Note::default());
    let identifier = attr::oci_layout("kiln.local/packages", &Digest::of("manifest"));
    let packages = builder.source(&identifier, BTreeMap::new(), Note::default());
    let mut copy = Copy::new(Some(download), "/a.tgz", "/usr/bin/");
    copy.allow_wildcard = true;
    copy.exclude = vec!["*.o".into()];
    copy.owner = Some(Owner { user: Some(Account::Name("www-data".into())), group: Some(Account::Id(7)) });
    let actions = vec![
        Action::Mkdir(Mkdir::new("/srv", 0o755)),
        Action::Copy(copy),
        Action::Mkfile(Mkfile::new("/etc/motd", 0o644, "hello\n")),
        Action::Remove(Remove { path: "/tmp/*".into(), allow_not_found: true, allow_wildcard: true }),
    ];
    let files = builder.file(FileOp { base: Some(packages), accounts: None, actions }, Note::default());
    let changed = builder.diff(Some(packages), Some(files), Note::default()).unwrap();
    let merged = builder.merge(&[packages, changed], Note::default()).unwrap();
    let definition = builder.finish(merged, &Sources::default()).unwrap();
    let digests: Vec<String> = definition.message().def.iter().map(|bytes| Digest::of(bytes).hex()).collect();
    assert_eq!(
        digests,
        [
            "a2ded1fdb7179e5747b6cc60d18693950119d62b37c0f278d854bdf7e70fbeb5",
            "a7d94ac87c882a1a1385d3f81e1fdf62aeaae09b41a6f693ade5a93ac99015fe",
            "1803c6dc5f629f2ee4de2b47ee679523603606e7a75cbc44329811e94aab9651",
            "1a5ff51ad6d94d0addae5336b019df3a5a797af90a1d29d90e8d943416ff6efa",
            "eca458513a27b0f775767929a49e001f7b14dcfb67af2b4956888e5b9bd9feaa",
            "6ac4fec7e7b6744c21399634917bc889ef92bc21e50788cc74b1be8c9de0e065",
        ]
    );
}
