//! What the path of a file says about what stands in it.

use crate::tree::TreePath;

/// The kind of a file by its path, or of a text by where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Anything: only secrets that have a form of their own are found.
    Plain,
    /// A file of settings.
    Settings,
    /// A file of variables (`.env`), and variables of an image, written `NAME=value`.
    Variables,
    /// A command line, the history of a shell, and what an image's history tells.
    Command,
    /// A label or an annotation, written `name=value`.
    Label,
    /// `.npmrc`, `.yarnrc.yml`.
    Npmrc,
    /// `.pypirc`.
    Pypirc,
    /// `.netrc`.
    Netrc,
    /// `.git-credentials`.
    GitCredentials,
    /// `config.json` of Docker, `auth.json` of Podman.
    DockerConfig,
    /// What `kubectl` connects with.
    Kubeconfig,
    /// `.aws/credentials`.
    AwsCredentials,
    /// `.boto`.
    Boto,
    /// `application_default_credentials.json` and its like.
    GoogleCredentials,
    /// `terraform.tfstate`.
    TerraformState,
    /// `.htpasswd`.
    Htpasswd,
    /// `/etc/shadow`.
    Shadow,
    /// `.pgpass`.
    Pgpass,
    /// `wg0.conf`.
    Wireguard,
    /// PKCS #12, Java and other key stores, and keys in DER.
    KeyStore,
}

impl Place {
    /// A short name, which never changes.
    pub fn name(self) -> &'static str {
        match self {
            Place::Plain => "plain",
            Place::Settings => "settings",
            Place::Variables => "variables",
            Place::Command => "command",
            Place::Label => "label",
            Place::Npmrc => "npmrc",
            Place::Pypirc => "pypirc",
            Place::Netrc => "netrc",
            Place::GitCredentials => "git-credentials",
            Place::DockerConfig => "docker-config",
            Place::Kubeconfig => "kubeconfig",
            Place::AwsCredentials => "aws-credentials",
            Place::Boto => "boto",
            Place::GoogleCredentials => "google-credentials",
            Place::TerraformState => "terraform-state",
            Place::Htpasswd => "htpasswd",
            Place::Shadow => "shadow",
            Place::Pgpass => "pgpass",
            Place::Wireguard => "wireguard",
            Place::KeyStore => "key-store",
        }
    }

    /// Whether files of this kind are read as a whole, where they are small.
    pub(super) fn is_read_whole(self) -> bool {
        self != Place::Plain
    }
}

/// What kind of file stands at a path.
pub fn place(path: &TreePath) -> Place {
    of_bytes(path.as_bytes())
}

/// As [`place`], for the names in archives, which need not be clean paths.
pub(super) fn of_bytes(path: &[u8]) -> Place {
    let path = path.to_ascii_lowercase();
    let mut parts = path.rsplit(|b| *b == b'/');
    let name = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    by_name(folder, name).or_else(|| by_ending(name)).unwrap_or(Place::Plain)
}

fn by_name(folder: &[u8], name: &[u8]) -> Option<Place> {
    Some(match (folder, name) {
        (_, b".npmrc" | b"npmrc" | b".yarnrc.yml" | b".yarnrc") => Place::Npmrc,
        (_, b".pypirc") => Place::Pypirc,
        (_, b".netrc" | b"_netrc" | b"netrc") => Place::Netrc,
        (b"auth.conf.d", _) | (_, b"auth.conf") => Place::Netrc,
        (_, b".git-credentials" | b".gitcredentials") | (b"git", b"credentials") => Place::GitCredentials,
        (_, b".dockercfg" | b".dockerconfigjson") => Place::DockerConfig,
        (b".docker" | b"containers" | b".containers" | b"docker", b"config.json" | b"auth.json") => Place::DockerConfig,
        (_, b"kubeconfig" | b"kubelet.conf") | (b".kube", b"config") | (b"kubernetes", b"admin.conf") => {
            Place::Kubeconfig
        }
        (b".aws", b"credentials" | b"config") => Place::AwsCredentials,
        (_, b".boto" | b"boto.cfg" | b".s3cfg" | b".passwd-s3fs") => Place::Boto,
        (_, b"application_default_credentials.json" | b"adc.json") => Place::GoogleCredentials,
        (b"etc", b"shadow" | b"shadow-" | b"gshadow" | b"gshadow-") => Place::Shadow,
        (_, b".pgpass" | b"pgpass.conf") => Place::Pgpass,
        (b"wireguard", _) => Place::Wireguard,
        (_, b".bash_history" | b".zsh_history" | b".sh_history" | b".ash_history" | b".history") => Place::Command,
        (_, b".mysql_history" | b".psql_history" | b".python_history") => Place::Command,
        (_, b"package-lock.json" | b"composer.lock" | b"npm-shrinkwrap.json" | b"pnpm-lock.yaml" | b"yarn.lock") => {
            Place::Plain
        }
        (b".git", b"config")
        | (_, b".gitconfig" | b"pip.conf" | b".condarc" | b"my.cnf" | b".my.cnf" | b"credentials") => Place::Settings,
        (b".ssh", b"config") | (_, b"sshd_config" | b"ssh_config") => Place::Plain,
        _ => return None,
    })
}

fn by_ending(name: &[u8]) -> Option<Place> {
    if name == b".env" || name.starts_with(b".env.") || name == b".envrc" {
        return Some(Place::Variables);
    }
    if name.starts_with(b".htpasswd") || name.starts_with(b"htpasswd") || name.ends_with(b".htpasswd") {
        return Some(Place::Htpasswd);
    }
    if name.ends_with(b".tfstate.backup") {
        return Some(Place::TerraformState);
    }
    let dot = name.iter().rposition(|b| *b == b'.')?;
    Some(match &name[dot + 1..] {
        b"env" => Place::Variables,
        b"tfstate" => Place::TerraformState,
        b"kubeconfig" => Place::Kubeconfig,
        b"p12" | b"pfx" | b"jks" | b"jceks" | b"bks" | b"keystore" | b"der" | b"p8" | b"pk8" | b"key" | b"kdbx"
        | b"gpg" | b"pgp" | b"ppk" => Place::KeyStore,
        b"yml" | b"yaml" | b"json" | b"toml" | b"ini" | b"conf" | b"cfg" | b"cnf" | b"config" | b"properties"
        | b"tf" | b"tfvars" | b"hcl" | b"xml" | b"settings" | b"secret" | b"secrets" | b"credentials" => {
            Place::Settings
        }
        b"sh" | b"bash" | b"zsh" | b"ps1" | b"service" | b"list" | b"sources" | b"repo" => Place::Settings,
        _ => return None,
    })
}
