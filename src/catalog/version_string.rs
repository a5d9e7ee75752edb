//! Well-known programs that were copied by hand, by the version that stands in them.

use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use regex::bytes::Regex;
use std::io::{Read, Seek, SeekFrom};

/// A program that is known by the names of its files and by what stands before and behind its version.
struct Program {
    /// The name in the package URL, as scanners have it.
    name: &'static str,
    /// The names of its files; `*` stands for any end.
    files: &'static [&'static str],
    /// Where its version stands: the first group of the first pattern that matches. No match may be longer than
    /// [`OVERLAP`]. `SERIES` stands for the version in the file's name: `3.11`.
    patterns: &'static [&'static str],
}

/// The programs, most of them in the table of syft's binary cataloguer too.
const PROGRAMS: &[Program] = &[
    Program {
        name: "python",
        files: &["python2.*", "python3.*", "libpython2.*", "libpython3.*"],
        // Linkers merge texts with equal ends, and then the version stands at the end of a folder's name.
        patterns: &[
            r"\x00(SERIES\.[0-9]{1,3}[-+._a-zA-Z0-9]{0,24})\x00",
            r"[/-](SERIES\.[0-9]{1,3}(?:(?:a|b|rc)[0-9]{1,2})?)\x00",
        ],
    },
    Program { name: "pypy", files: &["libpypy*"], patterns: &[r"\[PyPy ([0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3})"] },
    Program {
        name: "node",
        files: &["node", "nodejs", "libnode.so*"],
        patterns: &[
            r"node\.js/v([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})",
            r"\x00(?:node )?v([0456]\.[0-9]{1,3}\.[0-9]{1,3})\x00",
        ],
    },
    Program { name: "deno", files: &["deno"], patterns: &[r"Deno/([0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3})"] },
    Program {
        name: "ruby",
        files: &["ruby", "ruby2*", "ruby3*", "libruby*"],
        patterns: &[r"ruby ([0-9]\.[0-9]{1,2}\.[0-9]{1,3}(?:(?:p|preview|rc|dev)[0-9]{0,4})?) \("],
    },
    Program { name: "php-cli", files: &["php", "php7*", "php8*"], patterns: &[PHP] },
    Program { name: "php-fpm", files: &["php-fpm*"], patterns: &[PHP] },
    Program { name: "libphp", files: &["libphp*"], patterns: &[PHP] },
    Program {
        name: "perl",
        files: &["perl", "perl5*", "libperl.so*"],
        patterns: &[r"/perl5?/(?:site_perl/|vendor_perl/)?(5\.[0-9]{1,2}\.[0-9]{1,2})[/\x00]"],
    },
    Program {
        name: "julia",
        files: &["libjulia-internal.so*"],
        patterns: &[r"__init__\x00([0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3})\x00verify"],
    },
    Program {
        name: "erlang",
        files: &["erlexec", "beam.smp"],
        patterns: &[r"/src/otp[_-](?:src_)?([0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,3}){0,2}(?:-rc[0-9])?)/erts/"],
    },
    Program {
        name: "rust",
        files: &["libstd-*"],
        patterns: &[r"\(rustc version ([0-9]\.[0-9]{1,3}\.[0-9]{1,2}) \([0-9a-f]{7,12} [0-9-]{10}\)"],
    },
    Program {
        name: "nginx",
        files: &["nginx"],
        patterns: &[
            r"nginx version: [a-zA-Z]{1,32}/([0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3}(?:\+[0-9]{1,3})?(?:-[0-9]{1,3})?)",
        ],
    },
    Program { name: "httpd", files: &["httpd", "apache2"], patterns: &[r"Apache/([0-9]\.[0-9]{1,2}\.[0-9]{1,3})"] },
    Program {
        name: "lighttpd",
        files: &["lighttpd"],
        patterns: &[r"\x00lighttpd/([0-9]\.[0-9]{1,2}\.[0-9]{1,3})\x00"],
    },
    Program {
        name: "proftpd",
        files: &["proftpd"],
        patterns: &[r"\x00ProFTPD Version ([0-9]\.[0-9]{1,2}\.[0-9]{1,3}[a-z]?)\x00"],
    },
    Program {
        name: "haproxy",
        files: &["haproxy"],
        patterns: &[
            r"version ([0-9]{1,2}\.[0-9]{1,2}(?:\.|-dev|-rc)[0-9]{1,3})(?:-[a-z0-9]{7})?, released 20",
            r"HA-?Proxy version ([0-9]{1,2}\.[0-9]{1,2}(?:\.|-dev)[0-9]{1,3})",
        ],
    },
    Program {
        name: "redis",
        files: &["redis-server"],
        patterns: &[
            r"[^0-9]([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})buildkitsandbox-[0-9]",
            r"[^0-9]([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2})[0-9a-z]{12}-[0-9]{4}",
            r"Redis version ([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})",
        ],
    },
    Program {
        name: "valkey",
        files: &["valkey-server"],
        patterns: &[r"[^0-9]([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})buildkitsandbox-[0-9]"],
    },
    Program { name: "memcached", files: &["memcached"], patterns: &[r"memcached ([0-9]\.[0-9]{1,2}\.[0-9]{1,3})"] },
    Program {
        name: "postgresql",
        files: &["postgres"],
        patterns: &[r"[\x00?]PostgreSQL ([0-9]{1,2}(?:\.[0-9]{1,3}){0,2}(?:alpha[0-9]|beta[0-9]|rc[0-9])?)"],
    },
    Program {
        name: "mysql",
        files: &["mysql", "mysqld"],
        patterns: &[
            r"\x00([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})\x00{1,16}mysql",
            r"/mysql-([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})",
        ],
    },
    Program {
        name: "mariadb",
        files: &["mariadb", "mariadbd", "mysql", "mysqld"],
        patterns: &[r"([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})-MariaDB"],
    },
    Program { name: "busybox", files: &["busybox"], patterns: &[r"BusyBox\s{1,4}v([0-9]\.[0-9]{1,3}\.[0-9]{1,3})"] },
    Program {
        name: "bash",
        files: &["bash"],
        patterns: &[r"@\(#\)Bash version ([0-9]\.[0-9]{1,2}\.[0-9]{1,3})\([0-9]\) [a-z0-9]{1,16} GNU"],
    },
    Program { name: "openssl", files: &["openssl", "libcrypto.so*", "libssl.so*"], patterns: &[OPENSSL] },
    Program {
        name: "curl",
        files: &["curl", "libcurl.so*", "libcurl-*"],
        patterns: &[r"curl/([0-9]\.[0-9]{1,3}\.[0-9]{1,3})"],
    },
    Program {
        name: "zlib",
        files: &["libz.so*"],
        patterns: &[r"deflate ([0-9]\.[0-9]{1,2}(?:\.[0-9]{1,3}){0,2}) Copyright"],
    },
    Program { name: "expat", files: &["libexpat.so*"], patterns: &[r"expat_([0-9]\.[0-9]{1,2}\.[0-9]{1,3})\x00"] },
    Program { name: "xz", files: &["xz"], patterns: &[r"\x00xz \(XZ Utils\) ([0-9]\.[0-9]{1,2}\.[0-9]{1,3})\x00"] },
    Program {
        name: "glibc",
        files: &["libc.so.6", "libc-2.*"],
        patterns: &[r"GNU C Library [^\x00]{1,80} release version ([0-9]\.[0-9]{1,3}(?:\.[0-9]{1,3})?)[.\s]"],
    },
    Program {
        name: "ffmpeg",
        files: &["ffmpeg", "libavcodec.so*", "libavformat.so*"],
        patterns: &[r"(?:%s|FFmpeg) version ([0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?)"],
    },
];

/// The version and the day of a release.
const OPENSSL: &str = concat!(
    r"OpenSSL ([0-9]\.[0-9]{1,2}\.[0-9]{1,3}(?:[a-z]{1,2}|-(?:alpha|beta|rc|pre)[0-9]{1,2})?)",
    r"\s{1,2}[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}"
);

/// What PHP tells browsers.
const PHP: &str = r"PHP/([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3}(?:(?:alpha|beta|RC)[0-9]{1,2})?)";

/// How much is searched at once, and how much of it is searched again with what follows.
const WINDOW: usize = 1 << 20;
const OVERLAP: usize = 4 << 10;

/// The programs that a file is, by its name and by what is in it.
pub(super) fn packages(content: &mut (impl Read + Seek), name: &str) -> Result<Vec<Found>, CatalogError> {
    let mut searches: Vec<Search> = PROGRAMS.iter().filter_map(|program| Search::new(program, name)).collect();
    if searches.is_empty() {
        return Ok(Vec::new());
    }
    content.seek(SeekFrom::Start(0)).map_err(CatalogError::reading("program"))?;
    let mut window = Vec::with_capacity(WINDOW);
    loop {
        let kept = window.len();
        let read =
            content.take((WINDOW - kept) as u64).read_to_end(&mut window).map_err(CatalogError::reading("program"))?;
        for search in &mut searches {
            search.look(&window, read == 0);
        }
        if read == 0 || searches.iter().all(Search::is_done) {
            break;
        }
        window.drain(..window.len().saturating_sub(OVERLAP));
    }
    let found = |(name, version)| Found::new(Kind::Binary, Cataloguer::VersionString, name, version);
    Ok(searches.into_iter().filter_map(Search::result).map(found).collect())
}

/// One program that is looked for.
struct Search {
    name: &'static str,
    /// The patterns, each with the version that it found.
    patterns: Vec<(Regex, Option<String>)>,
}

impl Search {
    /// A search, where a file of this name can be the program.
    fn new(program: &Program, file: &str) -> Option<Self> {
        program.files.iter().find(|glob| match glob.strip_suffix('*') {
            Some(start) => file.starts_with(start),
            None => file == **glob,
        })?;
        let series = series(file);
        let patterns = program.patterns.iter().filter_map(|pattern| {
            let pattern = match pattern.contains("SERIES") {
                true => pattern.replace("SERIES", &regex::escape(series.as_deref()?)),
                false => (*pattern).to_owned(),
            };
            // Bytes are searched, so that nothing but ASCII is meant by classes.
            Some((Regex::new(&format!("(?-u){pattern}")).ok()?, None))
        });
        Some(Search { name: program.name, patterns: patterns.collect() })
    }

    fn look(&mut self, window: &[u8], is_last: bool) {
        for (pattern, version) in self.patterns.iter_mut().filter(|(_, version)| version.is_none()) {
            let matches = pattern.captures_iter(window);
            // A match that touches the end may go on behind it, and is seen again with the next window.
            let whole = |m: &regex::bytes::Captures<'_>| is_last || m.get(0).is_some_and(|m| m.end() < window.len());
            *version = matches
                .filter(whole)
                .find_map(|found| Some(String::from_utf8_lossy(found.get(1)?.as_bytes()).into_owned()));
        }
    }

    /// Whether nothing that follows can change the result.
    fn is_done(&self) -> bool {
        self.patterns.first().is_none_or(|(_, version)| version.is_some())
    }

    fn result(self) -> Option<(&'static str, String)> {
        let version = self.patterns.into_iter().find_map(|(_, version)| version)?;
        Some((self.name, version))
    }
}

/// `3.11` of `python3.11`, `libpython3.11.so.1.0` and `libpython3.11m.so`.
fn series(file: &str) -> Option<String> {
    let rest = file.strip_prefix("lib").unwrap_or(file).strip_prefix("python")?;
    let (major, rest) = rest.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let is_number = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(&minor)).then(|| format!("{major}.{minor}"))
}
