//! Results of commands in stores of objects, in the cache of GitHub's Actions, and beside images.

use super::Site;
use super::shared::{Team, built, commands};
use crate::support::actions::{Actions, TOKEN};
use crate::support::http::{Manner, Reply, Server};
use crate::support::objects::Objects;
use crate::support::registry::{Options, Registry};

/// What no message may have in it.
const SECRET: &str = "hunter2";

/// A bucket, with its key in the environment of the site.
fn bucket(store: &Objects, site: &mut Site) -> String {
    for (name, value) in [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "eu-west-1")] {
        site.world.set(name, value);
    }
    format!("type=s3,bucket=b,endpoint_url={},use_path_style=true,name=one;two,mode=max", store.url().secret())
}

#[test]
fn machines_share_through_a_bucket() {
    let (store, mut team) = (Objects::s3(), Team::new());
    let place = bucket(&store, &mut team.first);
    let (expected, outcome) = built(&team.first, &["--cache-to", &place]);
    assert_eq!(commands(&outcome), 2);
    let told = format!("shared       2 results of commands in {place}\n");
    assert!(outcome.stdout.contains(&told), "{}", outcome.stdout);
    // Two packs, the list, and the claim under two names.
    assert_eq!((store.count("PUT", "/blobs/"), store.count("PUT", "/manifests/")), (3, 2));
    let mut other = team.machine();
    bucket(&store, &mut other);
    let (found, outcome) = built(&other, &["--cache-from", &place]);
    assert_eq!((found, commands(&outcome)), (expected.clone(), 0), "{}", outcome.stderr);
    // A build that has all it needs fetches a claim and a list, and no pack; what is there is not sent again.
    let before = store.seen().len();
    built(&other, &["--cache-from", &place, "--cache-to", &place]);
    let after = store.seen().split_off(before);
    let of = |method: &str| after.iter().filter(|seen| seen.method == method).count();
    assert_eq!((of("GET"), of("PUT"), of("HEAD")), (2, 2, 3));
    // Another name is another claim.
    let (_, outcome) = built(&team.machine_with(&other), &["--cache-from", &place.replace("one;two", "three")]);
    assert_eq!(commands(&outcome), 2);
    assert!(outcome.stderr.contains("it has no results of commands yet"), "{}", outcome.stderr);
}

#[test]
fn machines_share_through_azure_and_signatures_are_not_told() {
    let (store, team) = (Objects::azure("sv=1&sig=hunter2%3D"), Team::new());
    let place = format!("type=azblob,account_url={}?sv=1&sig=hunter2%3D,container=c,prefix=p", store.url().secret());
    let (expected, outcome) = built(&team.first, &["--cache-to", &place]);
    let told = format!("shared       2 results of commands in type=azblob,account_url={}?***,container=c", store.url());
    assert!(outcome.stdout.contains(&told) && !outcome.stdout.contains(SECRET), "{}", outcome.stdout);
    let (found, outcome) = built(&team.machine(), &["--cache-from", &place]);
    assert_eq!((found, commands(&outcome)), (expected, 0), "{}", outcome.stderr);
    let paths: Vec<String> = store.contents.lock().unwrap().keys().cloned().collect();
    assert!(paths.iter().all(|path| path.starts_with("/c/p/blobs/sha256%3A") || path == "/c/p/manifests/results.kiln"));
}

#[test]
fn jobs_share_through_the_cache_of_actions() {
    let (cache, mut team) = (Actions::start(), Team::new());
    let known = |site: &mut Site| {
        site.world.set("ACTIONS_RESULTS_URL", cache.url().secret().as_str()).set("ACTIONS_RUNTIME_TOKEN", TOKEN);
        site.world.set("ACTIONS_CACHE_SERVICE_V2", "true");
    };
    known(&mut team.first);
    let (expected, outcome) = built(&team.first, &["--cache-to", "type=gha,mode=max,scope=main"]);
    assert!(outcome.stdout.contains("2 results of commands in type=gha,mode=max,scope=main\n"), "{}", outcome.stdout);
    let mut other = team.machine();
    known(&mut other);
    let (found, outcome) = built(&other, &["--cache-from", "type=gha,scope=main"]);
    assert_eq!((found, commands(&outcome)), (expected, 0), "{}", outcome.stderr);
    // The same again is no new entry; another list is, and it is the one that counts.
    assert_eq!((cache.keys().len(), cache.count("CreateCacheEntry")), (4, 4), "two packs, the list, the claim");
    let (keys, sent) = (cache.keys(), cache.stored("PUT"));
    built(&other, &["--cache-to", "type=gha,scope=main"]);
    assert_eq!((cache.keys(), cache.stored("PUT")), (keys.clone(), sent));
    other.world.write("src/b", "changed");
    built(&other, &["--cache-to", "type=gha,scope=main"]);
    assert_eq!(cache.keys().len(), keys.len() + 3);
    let mut third = team.machine();
    known(&mut third);
    third.world.write("src/b", "changed");
    let (_, outcome) = built(&third, &["--cache-from", "type=gha,scope=main"]);
    assert_eq!(commands(&outcome), 0, "{}", outcome.stderr);
    // Another scope has other lists.
    let (_, outcome) = built(
        &{
            let mut site = team.machine();
            known(&mut site);
            site
        },
        &["--cache-from", "type=gha"],
    );
    assert_eq!(commands(&outcome), 2);
    assert!(!outcome.stderr.contains(TOKEN), "{}", outcome.stderr);
}

#[test]
fn what_strangers_put_on_a_shelf_is_not_used() {
    let (store, mut team, mut stranger) = (Objects::s3(), Team::new(), Team::new());
    let place = bucket(&store, &mut team.first);
    bucket(&store, &mut stranger.first);
    built(&stranger.first, &["--cache-to", &place]);
    let (_, outcome) = built(&team.first, &["--cache-from", &place]);
    assert_eq!(commands(&outcome), 2);
    let told =
        format!("no results of commands are taken from {place}: its list is not signed by the key of this build");
    assert!(outcome.stderr.contains(&told), "{}", outcome.stderr);
    assert_eq!(store.count("GET", "/blobs/"), 0, "what nobody signed is not looked at");
}

#[test]
fn what_was_damaged_on_a_shelf_is_not_used() {
    let (store, mut team) = (Objects::s3(), Team::new());
    let place = bucket(&store, &mut team.first);
    built(&team.first, &["--cache-to", &place]);
    store.change("/blobs/", |content| {
        // A pack is compressed; the list is text.
        if content.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        }
    });
    let mut other = team.machine();
    bucket(&store, &mut other);
    let (_, outcome) = built(&other, &["--cache-from", &place]);
    assert_eq!(commands(&outcome), 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("a result of type=s3,bucket=b,") && outcome.stderr.contains("cannot be used: "));
    store.change("/blobs/", |content| content.push(b' '));
    let (_, outcome) = built(&team.machine_with(&other), &["--cache-from", &place]);
    assert!(outcome.stderr.contains("what is there as the list sha256:"), "{}", outcome.stderr);
}

#[test]
fn a_place_that_is_gone_is_a_warning_or_an_error_and_never_tells_a_secret() {
    let (store, mut team) = (Objects::s3(), Team::new());
    let place = bucket(&store, &mut team.first);
    drop(store);
    let (_, outcome) = built(&team.first, &["--cache-from", &place]);
    let told = format!("no results of commands are taken from {place}: ");
    assert!(commands(&outcome) == 2 && outcome.stderr.contains(&told), "{}", outcome.stderr);
    let outcome = team.first.build(&["--cache-to", &place, "-o", "tree:out"]).run().code(7);
    assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
    let forgiving = format!("{place},ignore-error=true,secret_access_key={SECRET},access_key_id=id");
    let (_, outcome) = built(&team.first, &["--cache-to", &forgiving]);
    assert!(outcome.stderr.contains("results of commands are not shared in type=s3,bucket=b"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(SECRET) && !outcome.stdout.contains("shared "), "{}", outcome.stdout);
}

#[test]
fn a_place_that_says_nothing_is_waited_for_as_long_as_was_said() {
    let (server, mut team) = (Server::start(|_| Reply::ok("").in_manner(Manner::Silent)), Team::new());
    team.first.world.set("AWS_ACCESS_KEY_ID", "id").set("AWS_SECRET_ACCESS_KEY", SECRET);
    let place =
        format!("type=s3,bucket=b,region=r,endpoint_url={},use_path_style=1,timeout=1s", server.url("").secret());
    let (_, outcome) = built(&team.first, &["--cache-from", &place]);
    assert!(outcome.stderr.contains("it took longer than the 1s that `timeout` allows"), "{}", outcome.stderr);
}

#[test]
fn results_go_with_an_image_and_are_found_beside_it() {
    let (registry, team) = (Registry::start(Options::default()), Team::new());
    let image = format!("{}/acme/hello:1", registry.host());
    let outcome = team.first.build(&["--push", "-t", &image, "--cache-to", "type=inline"]).run().done();
    assert!(outcome.stdout.contains("shared       2 results of commands in type=inline\n"), "{}", outcome.stdout);
    for place in [format!("type=registry,ref={image}"), image.clone()] {
        let (_, outcome) = built(&team.machine(), &["--cache-from", &place]);
        assert_eq!(commands(&outcome), 0, "{place}: {}", outcome.stderr);
    }
    // Whoever verifies the image needs none of it, and the image is what it is without.
    let verifier = team.machine();
    let key = team.public_key();
    verifier.world.kiln(["verify", &image, "--key", &key]).run().done();
    let copy = format!("{}/acme/copy:1", registry.host());
    verifier.world.kiln(["copy", &image, &copy, "--key", &key]).run().done();
    let of = |repository: &str| registry.blobs(repository).len();
    assert_eq!(of("acme/hello") - of("acme/copy"), 3, "a copy is without two packs and the claim");
    let bare = format!("{}/acme/bare:1", registry.host());
    team.first.build(&["--push", "-t", &bare]).run().done();
    assert_eq!(registry.tag("acme/hello", "1"), registry.tag("acme/bare", "1"));
    let (_, outcome) = built(&team.machine(), &["--cache-from", &bare]);
    assert!(outcome.stderr.contains("no results of commands went with it"), "{}", outcome.stderr);
    // Nor does a stranger use it.
    let (_, outcome) = built(&Team::new().first, &["--cache-from", &image]);
    assert!(commands(&outcome) == 2 && outcome.stderr.contains("not signed by the key of this build"));
}

#[test]
fn results_go_with_an_image_into_a_layout_and_from_there_to_a_registry() {
    // One without an interface for what refers to images.
    let registry = Registry::start(Options { referrers: false, ..Options::default() });
    let team = Team::new();
    let layout = format!("oci:{}", team.first.world.path("layout").display());
    team.first.build(&["-o", &layout, "--cache-to", "type=inline"]).run().done();
    let (_, outcome) = built(&team.machine(), &["--cache-from", &layout]);
    assert_eq!(commands(&outcome), 0, "{}", outcome.stderr);
    let image = format!("{}/acme/hello:1", registry.host());
    team.first
        .world
        .kiln(["push", layout.trim_start_matches("oci:"), &image, "--key", &team.public_key()])
        .run()
        .done();
    let (_, outcome) = built(&team.machine(), &["--cache-from", &image]);
    assert_eq!(commands(&outcome), 0, "{}", outcome.stderr);
}

#[test]
fn results_go_with_no_image_where_there_is_none() {
    let team = Team::new();
    let outcome = team.first.build(&["-o", "tree:out", "--cache-to", "type=inline"]).run().code(2);
    assert!(outcome.stderr.contains("add `--push` or `-o oci:DIR`"), "{}", outcome.stderr);
    let outcome = team.first.build(&["--target", "first", "-o", "tree:out", "--cache-to", "type=inline"]).run().code(2);
    assert!(outcome.stderr.contains("needs an image, and a stage is none"), "{}", outcome.stderr);
    let outcome = team.first.build(&["--cache-from", "type=inline"]).run().code(2);
    assert!(outcome.stderr.contains("write `type=registry,ref=IMAGE`"), "{}", outcome.stderr);
}
