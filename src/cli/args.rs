//! The command line as data.

mod judging;

pub(super) use judging::{Db, JudgeArgs, Policy, Rescan, Scan, VerdictFormat};

use clap::{Args, Parser, Subcommand, ValueEnum};
use judging::form_and_file;
use std::path::PathBuf;

/// One KDL file in, one signed, attested, reproducible image out.
#[derive(Debug, Parser)]
#[command(name = "kiln", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// Where downloads, trees and results are kept [default: $XDG_CACHE_HOME/kiln or ~/.cache/kiln]
    #[arg(long, global = true, value_name = "DIR", env = "KILN_STORE", hide_env_values = true)]
    pub store: Option<PathBuf>,
    /// How much is shown while kiln works
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressMode,
    /// At most so many things at once [default: as many as there are processors]
    #[arg(short = 'j', long, global = true, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// Lines that update themselves on a terminal, plain lines elsewhere
    Auto,
    /// A line for each thing done
    Plain,
    /// An object for each event, on standard error
    Json,
    /// Nothing but warnings and errors
    Quiet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs; the schema is documented in specs/
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build the images of a spec: lock, solve, assemble, describe, sign, write
    Build(Box<Build>),
    /// Write, refresh or check the lock
    Lock(Lock),
    /// Check a spec without network
    Check(Check),
    /// Format specs, keeping comments
    Fmt(Fmt),
    /// Show the graph that a spec compiles to
    Graph(Graph),
    /// Open a shell in a stage, as its commands see it; where one fails, there
    Shell(Shell),
    /// Solve a build graph that any of BuildKit's clients made
    Solve(Solve),
    /// Release a layout: push it with its evidence, verify it there, then move the tags
    Push(Push),
    /// Move an image with its evidence between registries and layouts
    Copy(Copy),
    /// Check signatures and evidence of an image
    Verify(Verify),
    /// Say what is wrong with an image, or with what a bill of materials tells: holes, secrets, configuration
    Scan(Scan),
    /// Judge published images by what is known today, without their layers
    Rescan(Rescan),
    /// The database of advisories: make it, move it, look at it
    #[command(subcommand)]
    Db(Db),
    /// Try a policy
    #[command(subcommand)]
    Policy(Policy),
    /// Show an image's bill of materials
    Sbom(Sbom),
    /// Show an image's provenance
    Provenance(Shown),
    /// Say which package, source or line put a file into an image
    Why(Why),
    /// Say what differs between two images
    Diff(Diff),
    /// Be what a BuildKit daemon asks what to build
    #[command(hide = true)]
    Frontend(Frontend),
    /// Make signing keys
    #[command(subcommand)]
    Key(Key),
    /// Look at the store, or clear it
    #[command(subcommand)]
    Cache(Cache),
    /// Write a shell's completions to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What names a spec and sets its args.
#[derive(Debug, Args)]
pub(super) struct SpecArgs {
    /// A spec, or a folder with a kiln.kdl
    #[arg(default_value = ".", value_name = "SPEC")]
    pub spec: PathBuf,
    /// Set an arg of the spec
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub args: Vec<(String, String)>,
}

/// How the lock is used.
#[derive(Debug, Args)]
pub(super) struct LockArgs {
    /// Refuse to change the lock; what CI uses
    #[arg(long)]
    pub locked: bool,
    /// Touch no network
    #[arg(long)]
    pub offline: bool,
}

/// What the caller brings for commands.
#[derive(Debug, Args)]
pub(super) struct GivenArgs {
    /// A secret that the spec names: NAME=env:VARIABLE, NAME=file:PATH, NAME=command:COMMAND, or NAME for the
    /// variable of that name; may be repeated
    #[arg(long, value_name = "NAME=ORIGIN")]
    pub secret: Vec<String>,
    /// An agent of ssh that the spec names: NAME=SOCKET, or NAME for the one of SSH_AUTH_SOCK; may be repeated
    #[arg(long, value_name = "NAME[=SOCKET]")]
    pub ssh: Vec<String>,
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// Where commands run.
#[derive(Debug, Args)]
pub(super) struct EngineArgs {
    /// Where commands run: embedded, or buildkit:ADDRESS[,ADDRESS]… for BuildKit daemons [default: $KILN_ENGINE, else
    /// embedded]
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,
    /// The authorities by which daemons at tcp:// show who they are [default: $BUILDKIT_TLS_CACERT]
    #[arg(long, value_name = "FILE")]
    pub tlscacert: Option<PathBuf>,
    /// The certificate that such daemons are shown [default: $BUILDKIT_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    pub tlscert: Option<PathBuf>,
    /// The key of that certificate [default: $BUILDKIT_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    pub tlskey: Option<PathBuf>,
    /// The folder with all three, as ca.pem, cert.pem and key.pem [default: $BUILDKIT_TLS_DIR]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tlscacert", "tlscert", "tlskey"])]
    pub tlsdir: Option<PathBuf>,
    /// The name that such a daemon's certificate must have, if not the host's [default: $BUILDKIT_TLS_SERVERNAME]
    #[arg(long, value_name = "NAME")]
    pub tlsservername: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub spec: SpecArgs,
    #[command(flatten)]
    pub lock: LockArgs,
    /// Build only this image of the spec; may be repeated
    #[arg(long, value_name = "NAME")]
    pub image: Vec<String>,
    /// Build only this stage, and write its files to tree:DIR or tar:FILE
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["image", "tag", "push", "metadata_file", "dotenv", "record_run"])]
    pub target: Option<String>,
    /// Build for this platform instead of the spec's; may be repeated
    #[arg(long, value_name = "OS/ARCH", value_delimiter = ',')]
    pub platform: Vec<String>,
    #[command(flatten)]
    pub given: GivenArgs,
    /// A name for the image, in outputs and registries; may be repeated [default: its name in the spec, tag latest]
    #[arg(short, long, value_name = "REF")]
    pub tag: Vec<String>,
    /// Release it: push image and evidence by digest, verify them there, then move the tags
    #[arg(long)]
    pub push: bool,
    /// Let the BuildKit daemon make the layers and push them by itself: to it kiln gives a token for the one repository, or
    /// where the registry knows nothing else, name and password; what it pushed is read back, checked, and then signed
    #[arg(long, requires = "push", conflicts_with_all = ["output", "target", "cache_from", "cache_to", "why", "check_reproducible"])]
    pub engine_output: bool,
    /// Never move a tag that names another image
    #[arg(long, requires = "push")]
    pub no_clobber: bool,
    /// Where the image goes: oci:DIR, oci-archive:FILE, docker-archive:FILE or tree:DIR; of a stage tree:DIR or tar:FILE; may be
    /// repeated [default: oci:kiln-out/NAME beside the spec; with --push none]
    #[arg(short, long, value_name = "KIND:PATH")]
    pub output: Vec<String>,
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Write what policies say of the image to a file, FORM:FILE, with the forms of `kiln scan`; may be repeated
    #[arg(long, value_name = "FORM:FILE", value_parser = form_and_file)]
    pub verdict: Vec<(VerdictFormat, PathBuf)>,
    /// Sign with this private key instead of the spec's
    #[arg(long, value_name = "FILE", env = "KILN_KEY", hide_env_values = true)]
    pub key: Option<PathBuf>,
    /// Write what was done as JSON (specs/report.md)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the digest as JSON, in the form that buildx has, for later steps of CI (specs/report.md)
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Write the digest as variables, NAME=VALUE, for later jobs of GitLab's and others' CI (specs/report.md)
    #[arg(long, value_name = "FILE")]
    pub dotenv: Option<PathBuf>,
    /// Take results of commands that other machines shared, from such places as below; may be repeated
    #[arg(long, value_name = "PLACE")]
    pub cache_from: Vec<String>,
    /// Share the results of this build's commands: oci:DIR, an image reference, or a place in BuildKit's words, such as
    /// type=s3,… or type=gha; may be repeated
    #[arg(long, value_name = "PLACE")]
    pub cache_to: Vec<String>,
    /// Say why commands ran whose names hold this text, which `all` stands for; may be repeated
    #[arg(long, value_name = "STEP")]
    pub why: Vec<String>,
    /// Run each command twice, and show what it leaves differently
    #[arg(long)]
    pub check_reproducible: bool,
    /// Let the attested provenance tell when this run began and ended, which makes it different in each run
    #[arg(long)]
    pub record_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct Lock {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Take what is newest: of everything, or of the packages and sources that are named
    #[arg(long, value_name = "NAME", num_args = 0..)]
    pub update: Option<Vec<String>>,
    /// Only say whether the lock is up to date
    #[arg(long, conflicts_with = "update")]
    pub check: bool,
    /// A policy that the spec cannot weaken: of it, who must have signed images (specs/language/policy.md)
    #[arg(long, value_name = "FILE", env = "KILN_POLICY", hide_env_values = true)]
    pub policy: Option<PathBuf>,
    /// Touch no network
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// How mistakes are shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Fmt {
    /// Specs, or folders with a kiln.kdl; `-` reads standard input
    #[arg(default_value = ".", value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// Only say which specs are not formatted
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// What `buildctl build` reads on standard input
    Llb,
    Json,
    Dot,
    Mermaid,
}

/// How the graph is solved by others.
const GRAPH_HELP: &str = "\
In BuildKit, with a --local for each context of the spec:

  kiln graph --format llb --deps kiln-out/deps |
      buildctl build --oci-layout kiln=kiln-out/deps --local app=. --output type=tar,dest=image.tar

What it makes differently, and the schema of the JSON, are in specs/graph.md.";

#[derive(Debug, Args)]
#[command(after_help = GRAPH_HELP)]
pub(super) struct Graph {
    #[command(flatten)]
    pub spec: SpecArgs,
    #[command(flatten)]
    pub lock: LockArgs,
    /// The image, where the spec has several
    #[arg(long, value_name = "NAME")]
    pub image: Option<String>,
    /// The platform, where the image has several
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// The form
    #[arg(long, value_enum, default_value = "mermaid", value_name = "FORM")]
    pub format: GraphFormat,
    /// Write packages, accounts and images that the graph takes into this folder, as an OCI layout, and take them from
    /// there: `buildctl build --oci-layout kiln=DIR` then solves the graph
    #[arg(long, value_name = "DIR")]
    pub deps: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Frontend {
    #[command(subcommand)]
    pub command: Option<FrontendCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum FrontendCommand {
    /// Make the trees of packages and accounts that a build takes
    Bring {
        /// The spec
        #[arg(value_name = "SPEC")]
        spec: PathBuf,
        /// The image or the stage
        #[arg(value_name = "TARGET")]
        target: String,
        /// What it is for
        #[arg(long, value_name = "OS/ARCH")]
        platform: String,
        /// Sets an arg of the spec
        #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = name_and_value)]
        args: Vec<(String, String)>,
    },
    /// Make the tree of a commit that a build takes
    CheckOut {
        /// The spec
        #[arg(value_name = "SPEC")]
        spec: PathBuf,
        /// The source
        #[arg(value_name = "SOURCE")]
        source: String,
        /// Sets an arg of the spec
        #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = name_and_value)]
        args: Vec<(String, String)>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Shell {
    /// The stage
    #[arg(value_name = "STAGE")]
    pub stage: String,
    #[command(flatten)]
    pub spec: SpecArgs,
    #[command(flatten)]
    pub lock: LockArgs,
    /// The platform, where the stage is built for several
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    #[command(flatten)]
    pub given: GivenArgs,
    /// What runs there [default: the stage's shell]
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Solve {
    /// The definition; `-` reads standard input
    #[arg(default_value = "-", value_name = "DEFINITION")]
    pub definition: PathBuf,
    /// The folder behind a local source of the graph; may be repeated
    #[arg(long, value_name = "NAME=DIR", value_parser = name_and_value)]
    pub context: Vec<(String, String)>,
    /// Where the files go: tree:DIR or tar:FILE; may be repeated
    #[arg(short, long, value_name = "KIND:PATH")]
    pub output: Vec<String>,
    #[command(flatten)]
    pub given: GivenArgs,
    /// Touch no network
    #[arg(long)]
    pub offline: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

/// How an image that is moved is verified.
#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    /// The public key that must have signed it: it is verified where it arrives, before tags move
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Move it without verification
    #[arg(long, conflicts_with = "key")]
    pub unverified: bool,
    /// Never move a tag that names another image
    #[arg(long)]
    pub no_clobber: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Push {
    /// An OCI layout: a folder, or an archive of one
    #[arg(value_name = "LAYOUT")]
    pub layout: String,
    /// Where it goes, such as registry.example.com/acme/hello:1.0; several names are several tags
    #[arg(value_name = "REF", required = true)]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub how: MoveArgs,
}

#[derive(Debug, Args)]
pub(super) struct Copy {
    /// An image: a layout or a reference
    #[arg(value_name = "SRC")]
    pub source: String,
    /// Where it goes: references such as registry.example.com/acme/hello:1.0, oci:DIR, oci-archive:FILE
    #[arg(value_name = "DST", required = true)]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub how: MoveArgs,
}

/// An image of a layout or a registry.
#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    /// An OCI layout (a folder, or an archive of one; `oci:` and `oci-archive:` may stand in front), or an image in a
    /// registry, such as registry.example.com/acme/hello:1.0
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// The platform, where the image has several
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    pub image: ImageArgs,
    /// The public key that must have signed
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The policy by which the image must have passed (specs/verify.md)
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SbomFormat {
    /// CycloneDX 1.6, JSON
    Cyclonedx,
    /// SPDX 2.3, JSON
    Spdx,
    /// A line a package
    Text,
}

#[derive(Debug, Args)]
pub(super) struct Sbom {
    #[command(flatten)]
    pub image: ImageArgs,
    /// The form
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub format: SbomFormat,
}

#[derive(Debug, Args)]
pub(super) struct Shown {
    #[command(flatten)]
    pub image: ImageArgs,
    /// How it is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Why {
    #[command(flatten)]
    pub image: ImageArgs,
    /// A path in the image
    pub path: String,
    /// How it is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The image as it was: a layout or a reference
    pub old: String,
    /// The image as it is
    pub new: String,
    /// The platform, where the images have several
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a key pair: NAME.key, encrypted in cosign's format, and NAME.pub
    Generate {
        /// Where the pair goes, without ending
        #[arg(long, value_name = "PATH", default_value = "kiln")]
        output: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Cache {
    /// Say what the store holds
    Show {
        /// How it is shown
        #[arg(long, value_enum, default_value_t, value_name = "HOW")]
        format: Format,
    },
    /// Remove what is old or too much, or everything
    Prune {
        /// Only what was not used for so long: 12h, 7d or 4w
        #[arg(long, value_name = "AGE", value_parser = age)]
        older_than: Option<std::time::Duration>,
        /// Only until so much is left: 500MB or 10GB; what was used longest ago goes first
        #[arg(long, value_name = "SIZE", value_parser = size)]
        keep_storage: Option<u64>,
    },
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".into()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    let units = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000_u64), ("B", 1)];
    let found = units.iter().find_map(|(unit, scale)| {
        let number = text.strip_suffix(unit).filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))?;
        number.parse::<u64>().ok()?.checked_mul(*scale)
    });
    found.ok_or_else(|| "write a number and a unit: 500MB, 10GB or 0B".to_owned())
}

fn age(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "write a number and a unit: 90m, 12h, 7d or 4w".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).map(std::time::Duration::from_secs).ok_or_else(wrong)
}
