use super::recipe::Origin;
use super::*;
use crate::llb::pb;
use crate::plan::{Level, levels};
use crate::spec;

const SPEC: &str = r#"kiln 1
source "app" { context "." { exclude "*.tmp" "docs/old" } }
source "logo" { http "https://example.com/logo.svg" }
image "registry.example.com/acme/hello" {
    base "static"
    packages "debian" { add "libc6" }
    account "web" uid=1000 gid=1000
    mkdir "/var/lib/web" mode="0750" owner="web"
    copy "bin/*" from="app" to="/usr/bin/" mode="0755"
    file "/etc/web.conf" "port 80\n" owner="web:web"
    copy "logo.svg" from="logo" to="/srv/"
    symlink "/srv/link" to="logo.svg"
    remove "/usr/bin/test-*"
    user "web"
    env PORT="80"
    entrypoint "/usr/bin/web"
}
"#;

fn load(text: &str) -> (Vec<Level>, Sources) {
    let files = BTreeMap::from([("kiln.kdl".to_owned(), text.to_owned())]);
    let loaded = spec::load(&files, "kiln.kdl", &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let mut sources = loaded.sources;
    let levels = levels(&loaded.spec, &loaded.spec.images[0], &mut sources, &mut BTreeMap::new()).unwrap();
    (levels, sources)
}

fn inputs(levels: usize) -> Inputs {
    let digest = |text: String| Some(Digest::of(text));
    Inputs {
        sets: (0..levels).map(|i| digest(format!("set {i}"))).collect(),
        accounts: (0..levels).map(|i| digest(format!("accounts {i}"))).collect(),
        http: BTreeMap::from([("logo".to_owned(), Digest::of("logo"))]),
        ..Inputs::default()
    }
}

/// Compiles an image without stages.
fn compile(
    levels: &[Level],
    platform: &Platform,
    inputs: &Inputs,
    sources: &Sources,
) -> Result<Compiled, CompileError> {
    super::compile(Subject { levels, platform, inputs }, [], sources)
}

fn compiled(text: &str) -> Compiled {
    let (levels, sources) = load(text);
    compile(&levels, &Platform::linux("amd64", None), &inputs(levels.len()), &sources).unwrap()
}

/// What each move does, in a word.
fn moves(compiled: &Compiled) -> Vec<String> {
    let word = |m: &Move| match &m.origin {
        Origin::Base { source } => format!("base {source}"),
        Origin::Stage { name, .. } => format!("stage {name}"),
        Origin::Packages => "packages".into(),
        Origin::Scripts { .. } => "scripts".into(),
        Origin::Accounts => "accounts".into(),
        Origin::Step { index, source: Some(source), .. } => format!("{index} from {source}"),
        Origin::Step { index, source: None, .. } => index.to_string(),
    };
    compiled.recipe.moves.iter().map(|m| format!("{}: {}", m.level, word(m))).collect()
}

#[test]
fn a_base_comes_first_and_each_step_is_a_move() {
    let compiled = compiled(SPEC);
    let moves = moves(&compiled);
    let of_image: Vec<&str> = moves.iter().map(String::as_str).skip_while(|m| m.starts_with("0:")).collect();
    assert_eq!(moves[0], "0: packages");
    assert_eq!(moves[1], "0: accounts");
    assert_eq!(
        of_image,
        ["1: packages", "1: accounts", "1: 0", "1: 1 from app", "1: 2", "1: 3 from logo", "1: 4", "1: 5"]
    );
}

#[test]
fn layers_hold_all_moves_once_and_in_order() {
    let compiled = compiled(SPEC);
    let mut next = 0;
    for layer in &compiled.recipe.layers {
        match layer {
            LayerPlan::Kept => next = 1,
            LayerPlan::Packages { at, pieces, .. } => {
                assert_eq!(*at, next);
                assert!(*pieces >= 1);
                next = at + 1;
            }
            LayerPlan::Steps { moves, .. } => {
                assert_eq!(moves.start, next);
                next = moves.end;
            }
        }
    }
    assert_eq!(next, compiled.recipe.moves.len());
    let steps = compiled.recipe.layers.iter().filter(|layer| matches!(layer, LayerPlan::Steps { .. }));
    assert_eq!(steps.count(), 3, "the base's files, what goes up to the second copy, and what follows");
}

#[test]
fn copies_beyond_the_budget_share_the_first_layer() {
    let copies: String = (0..9).map(|i| format!("    copy \"f{i}\" from=\"app\" to=\"/{i}/\"\n")).collect();
    let text = format!("kiln 1\nsource \"app\" {{ context \".\" }}\nimage \"x\" {{\n{copies}    layers max=3\n}}\n");
    let (levels, sources) = load(&text);
    let inputs = Inputs { sets: vec![None], accounts: vec![None], ..Inputs::default() };
    let compiled = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap();
    let ranges: Vec<_> = compiled
        .recipe
        .layers
        .iter()
        .map(|layer| match layer {
            LayerPlan::Steps { moves, .. } => moves.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ranges, [0..7, 7..8, 8..9]);
}

#[test]
fn the_same_spec_gives_the_same_bytes() {
    let first = compiled(SPEC).graph.encode();
    for _ in 0..20 {
        assert_eq!(compiled(SPEC).graph.encode(), first);
    }
}

#[test]
fn vertices_lead_back_to_the_spec() {
    let (levels, sources) = load(SPEC);
    let platform = Platform::linux("amd64", None);
    let compiled = compile(&levels, &platform, &inputs(levels.len()), &sources).unwrap();
    let last = compiled.recipe.moves.last().unwrap();
    let span = compiled.graph.spans(&last.state.vertex)[0];
    assert_eq!(sources.snippet(span), "remove \"/usr/bin/test-*\"");
    assert_eq!(sources.locate(span), "kiln.kdl:13");
}

#[test]
fn the_configuration_is_the_images_over_its_bases() {
    let recipe = compiled(SPEC).recipe;
    assert_eq!(recipe.user, User::Fixed("1000:1000".into()));
    assert_eq!(recipe.config.entrypoint.as_deref(), Some(&["/usr/bin/web".to_owned()][..]));
    let env = recipe.config.env.unwrap();
    assert!(env.iter().any(|line| line.starts_with("SSL_CERT_FILE=")), "from the base");
    assert_eq!(env.last().map(String::as_str), Some("PORT=80"));
}

#[test]
fn nobody_becomes_root_by_saying_nothing() {
    let text = "kiln 1\nimage \"x\" { file \"/a\" \"b\" }\n";
    let (levels, sources) = load(text);
    let inputs = Inputs { sets: vec![None], accounts: vec![None], ..Inputs::default() };
    let compiled = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap();
    assert_eq!(compiled.recipe.user, User::Fixed("65532:65532".into()));
}

#[test]
fn declared_owners_are_numbers_and_others_are_looked_up_in_the_image() {
    let text = "kiln 1\nimage \"x\" {\n    account \"web\" uid=7 gid=8\n    file \"/a\" \"\" owner=\"web\"\n    file \"/b\" \"\" owner=\"www-data\"\n}\n";
    let (levels, sources) = load(text);
    let inputs = Inputs { sets: vec![None], accounts: vec![Some(Digest::of("a"))], ..Inputs::default() };
    let compiled = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap();
    let owners: Vec<_> = file_actions(&compiled)
        .into_iter()
        .filter_map(|action| match action {
            pb::file_action::Action::Mkfile(file) => file.owner,
            _ => None,
        })
        .map(|owner| (owner.user.and_then(|u| u.user), owner.group.and_then(|g| g.user)))
        .collect();
    use pb::user_opt::User::{ById, ByName};
    assert_eq!(owners[0], (Some(ById(7)), Some(ById(8))));
    assert!(matches!(&owners[1].0, Some(ByName(named)) if named.name == "www-data"));
}

fn file_actions(compiled: &Compiled) -> Vec<pb::file_action::Action> {
    use prost::Message;
    let ops = compiled.graph.message().def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap());
    ops.filter_map(|op| match op.op {
        Some(pb::op::Op::File(file)) => Some(file.actions),
        _ => None,
    })
    .flatten()
    .filter_map(|action| action.action)
    .collect()
}

fn copies(text: &str) -> Vec<pb::FileActionCopy> {
    let (levels, sources) = load(text);
    let inputs = Inputs { sets: vec![None], accounts: vec![None], ..Inputs::default() };
    let compiled = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap();
    let copies = file_actions(&compiled).into_iter();
    copies
        .filter_map(|action| match action {
            pb::file_action::Action::Copy(copy) => Some(*Box::new(copy)),
            _ => None,
        })
        .collect()
}

fn copy_of(step: &str) -> pb::FileActionCopy {
    copies(&format!("kiln 1\nsource \"a\" {{ context \".\" }}\nimage \"x\" {{ copy {step} }}\n")).pop().unwrap()
}

#[test]
fn a_pattern_is_split_where_its_first_wildcard_is() {
    let copy = copy_of("\"a/b/*.txt\" from=\"a\" to=\"/c/\"");
    assert_eq!((copy.src.as_str(), copy.dest.as_str()), ("/a/b", "/c/"));
    assert_eq!(copy.include_patterns, ["*.txt"]);
    assert!(copy.dir_copy_contents);
    let whole = copy_of("\"a\" from=\"a\" to=\"/c\" { exclude \"*.pyc\" \"x/y\" }");
    assert_eq!(whole.exclude_patterns, ["**/*.pyc", "x/y"]);
    assert!(whole.dir_copy_contents, "a new name takes what is in the folder");
    assert!(!copy_of("\"a\" from=\"a\" to=\"/c/\"").dir_copy_contents, "a folder takes the folder");
}

#[test]
fn modes_of_files_give_folders_their_x_bits() {
    let mode = |said: &str| {
        let copy = copy_of(&format!("\"a\" from=\"a\" to=\"/c\" {said}"));
        (copy.mode, copy.mode_str)
    };
    assert_eq!(mode(""), (-1, String::new()));
    assert_eq!(mode("mode=\"0755\""), (0o755, String::new()));
    assert_eq!(mode("mode=\"0644\""), (-1, "a=,u+rwX,g+rX,o+rX".into()));
    assert_eq!(mode("mode=\"0640\" dir-mode=\"0750\""), (-1, "a=,u+rwX,g+rX".into()));
    assert_eq!(mode("mode=\"0600\" dir-mode=\"0600\""), (0o600, String::new()));
}

/// `X` would also be for files that are executable in the source.
#[test]
fn a_mode_of_files_alone_takes_the_x_bits_off_first() {
    let spec =
        "kiln 1\nsource \"a\" { context \".\" }\nimage \"x\" { copy \"a\" from=\"a\" to=\"/c\" mode=\"0644\" }\n";
    let modes: Vec<String> = copies(spec).into_iter().map(|copy| copy.mode_str).collect();
    assert_eq!(modes, ["a-x", "a=,u+rwX,g+rX,o+rX"]);
}

#[test]
fn modes_that_no_single_copy_can_have_are_refused() {
    let text = "kiln 1\nsource \"a\" { context \".\" }\nimage \"x\" { copy \"a\" from=\"a\" to=\"/c\" mode=\"0600\" dir-mode=\"0755\" }\n";
    let (levels, sources) = load(text);
    let inputs = Inputs { sets: vec![None], accounts: vec![None], ..Inputs::default() };
    let error = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kiln.kdl:3:13: files of mode 0600 in folders of mode 0755 cannot be copied in one step"
    );
}

#[test]
fn an_input_without_a_digest_and_an_image_without_files_are_refused() {
    let (levels, sources) = load(SPEC);
    let mut inputs = inputs(levels.len());
    inputs.http.clear();
    let error = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap_err();
    assert!(error.to_string().contains("source \"logo\" has no digest in the lock"), "{error}");

    let (levels, sources) = load("kiln 1\nimage \"x\" { env A=\"b\" }\n");
    let inputs = Inputs { sets: vec![None], accounts: vec![None], ..Inputs::default() };
    let error = compile(&levels, &Platform::linux("amd64", None), &inputs, &sources).unwrap_err();
    assert!(matches!(error, CompileError::Empty { .. }), "{error}");
}

#[test]
fn a_commit_enters_the_graph_as_a_tree_of_the_store() {
    let (levels, sources) = load(
        "kiln 1\nsource \"docs\" { git \"https://example.com/docs.git\" }\nimage \"x\" { copy \".\" from=\"docs\" to=\"/\" }\n",
    );
    let platform = Platform::linux("amd64", None);
    let mut inputs = Inputs { sets: vec![None], accounts: vec![None], ..Inputs::default() };
    let error = compile(&levels, &platform, &inputs, &sources).unwrap_err();
    assert!(error.to_string().contains("source \"docs\" has no digest in the lock"), "{error}");
    let manifest = Digest::of("manifest");
    inputs.commits.insert("docs".into(), manifest);
    let compiled = compile(&levels, &platform, &inputs, &sources).unwrap();
    let graph = crate::llb::render::json(&compiled.graph.graph().unwrap());
    assert!(graph.contains(&format!("oci-layout://{STORE}/docs@{manifest}")), "{graph}");
}
