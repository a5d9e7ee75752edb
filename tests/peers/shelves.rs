//! Results of commands in stores of objects that others have written, and that check signatures.

use super::tools::Running;
use crate::stages::Site;
use crate::stages::shared::{Team, built, commands};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// As many requests need no key: those that make the bucket, the user, the policy and the key.
const OPEN_REQUESTS: &str = "4";

/// The account of Azurite and its key, which its documentation names.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A folder below the build's own, for programs that are installed once a run.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a program to its end; what it wrote.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Starts a server, and waits until it listens.
fn start(command: &mut Command, port: u16) -> Running {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Running(command.spawn().unwrap());
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(100));
    }
    server
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One machine shares in a place and another uses it, both with these variables.
fn share_through(place: &str, variables: &[(&str, &str)]) {
    let mut team = Team::new();
    let with = |mut site: Site| {
        for (name, value) in variables {
            site.world.set(name, *value);
        }
        site
    };
    let bare = team.machine();
    team.first = with(team.first);
    let (expected, outcome) = built(&team.first, &["--cache-to", place]);
    assert_eq!(commands(&outcome), 2);
    let (found, outcome) = built(&with(bare), &["--cache-from", place]);
    assert_eq!((found, commands(&outcome)), (expected, 0), "{}", outcome.stderr);
    // Once more, where all is there.
    let (_, outcome) = built(&team.first, &["--cache-from", place, "--cache-to", place]);
    assert_eq!(outcome.stderr.matches("warning").count(), 0, "{}", outcome.stderr);
}

/// A result that goes in several parts, shared by one machine and used by another, both with these variables.
fn share_a_large_result(place: &str, variables: &[(&str, &str)]) {
    const SPEC: &str = r#"
stage "large" {
    base "tools"
    mount "src" to="/src"
    run "cp /src/noise /noise; append /noise more"
}
image "x" { copy "/noise" from="large" to="/" }
"#;
    let mut seed = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    })
    .take((150 << 20) / 8)
    .flatten()
    .collect();
    let team = Team::new();
    let with = |mut site: Site| {
        for (name, value) in variables {
            site.world.set(name, *value);
        }
        site.spec(SPEC);
        site.world.write("src/noise", &noise);
        site
    };
    let machines = [with(team.machine()), with(team.machine())];
    for (machine, (option, runs)) in machines.iter().zip([("--cache-to", 1), ("--cache-from", 0)]) {
        let (tree, outcome) = machine.tree_with(&["--progress", "plain", option, place]);
        assert_eq!((commands(&outcome), outcome.stderr.matches("warning").count()), (runs, 0), "{}", outcome.stderr);
        let made = std::fs::read(tree.join("noise")).unwrap();
        assert!(made.starts_with(&noise) && made.len() > noise.len());
    }
}

/// A signature with which everybody may use the account's blobs, as Microsoft's own code makes it.
fn signature_of_the_account() -> String {
    let folder = folder("azure-sdk");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let python = folder.join("bin/python");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "azure-storage-blob"]));
    const SCRIPT: &str = "
import sys, datetime
from azure.storage.blob import generate_account_sas, ResourceTypes, AccountSasPermissions
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
may = AccountSasPermissions(read=True, write=True, create=True, list=True)
kinds = ResourceTypes(service=False, container=True, object=True)
print(generate_account_sas(sys.argv[1], sys.argv[2], kinds, may, until))
";
    run(Command::new(&python).args(["-c", SCRIPT, ACCOUNT, ACCOUNT_KEY])).trim().to_owned()
}

#[test]
#[ignore = "installs moto from the Python package index"]
fn moto_knows_who_sends_requests_to_a_bucket() {
    let folder = folder("moto");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let python = folder.join("bin/python");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "moto[server]"]));
    let port = free_port();
    let mut moto = Command::new(folder.join("bin/moto_server"));
    moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]).env("INITIAL_NO_AUTH_ACTION_COUNT", OPEN_REQUESTS);
    let _moto = start(&mut moto, port);
    let address = format!("http://127.0.0.1:{port}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/shelves.py");
    let key = run(Command::new(&python).arg(script).arg(&address));
    let (id, secret) = key.trim().split_once(' ').unwrap();
    let variables = [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_REGION", "eu-west-1")];
    let place = format!("type=s3,bucket=results,endpoint_url={address},use_path_style=true");
    share_through(&format!("{place},prefix=a b/é+,name=one;two"), &variables);
    share_a_large_result(&format!("{place},name=large"), &variables);

    // It does look at signatures.
    let mut team = Team::new();
    let wrong = "a-secret-of-somebody-else";
    team.first.world.set("AWS_ACCESS_KEY_ID", id).set("AWS_SECRET_ACCESS_KEY", wrong).set("AWS_REGION", "eu-west-1");
    let outcome = team.first.build(&["-o", "tree:out", "--cache-to", &place]).run().code(7);
    let told = "the bucket results: it answers with status 403 (SignatureDoesNotMatch): check the secret access key";
    assert!(outcome.stderr.contains(told) && !outcome.stderr.contains(wrong), "{}", outcome.stderr);
}

#[test]
#[ignore = "installs Azurite from the registry of npm, and Microsoft's code from the Python package index"]
fn azurite_knows_who_sends_requests_to_a_container() {
    let folder = folder("azurite");
    let mut npm = Command::new("npm");
    run(npm.args(["install", "--silent", "--no-fund", "--no-audit", "azurite"]).current_dir(&folder));
    let port = free_port();
    let mut azurite = Command::new("node");
    azurite.arg(folder.join("node_modules/azurite/dist/src/blob/main.js")).current_dir(&folder);
    azurite.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--silent", "--disableTelemetry"]);
    let _azurite = start(&mut azurite, port);
    let place = format!("type=azblob,account_url=http://127.0.0.1:{port}/{ACCOUNT},account_name={ACCOUNT}");
    share_through(&format!("{place},container=results,prefix=a b/é+"), &[("AZURE_STORAGE_KEY", ACCOUNT_KEY)]);
    share_a_large_result(&format!("{place},container=large"), &[("AZURE_STORAGE_KEY", ACCOUNT_KEY)]);
    let signature = signature_of_the_account();
    share_through(&format!("{place},container=signed"), &[("AZURE_STORAGE_SAS_TOKEN", &signature)]);
    share_a_large_result(&format!("{place},container=signed"), &[("AZURE_STORAGE_SAS_TOKEN", &signature)]);

    // It does look at signatures.
    let mut team = Team::new();
    team.first.world.set("AZURE_STORAGE_KEY", "aHVudGVyMg==");
    let outcome = team.first.build(&["-o", "tree:out", "--cache-to", &place]).run().code(7);
    let told = "the container buildkit-cache of devstoreaccount1: it answers with status 403";
    assert!(outcome.stderr.contains(told) && !outcome.stderr.contains("aHVudGVyMg"), "{}", outcome.stderr);
}
