//! Whether a text can be a secret at all, or only stands where one will.

use super::set::Set;

/// What those write who have no secret to write.
const WORDS: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "redacted",
    "dummy",
    "sample",
    "xxxx",
    "your-",
    "your_",
    "yourtoken",
    "yourkey",
    "yourpass",
    "yoursecret",
    "insert",
    "fake",
    "todo",
    "notreal",
    "not-real",
    "deadbeef",
    "foobar",
    "lorem",
    "0000000000",
    "1234567890",
    "abcdefgh",
    "****",
    "____",
    "secret-here",
    "my-secret",
    "mysecret",
    "mypassword",
    "mytoken",
    "testtest",
    "undefined",
];

/// The longest text that is looked at for words; what is longer is random if its beginning is.
const LONGEST: usize = 512;

/// Whether a token's text is as mixed as random text is, with neither words that stand for a secret nor sequences in it.
pub(super) fn random(text: &[u8]) -> bool {
    let text = &text[..text.len().min(LONGEST)];
    // Long tokens have a structure, with zeros in it.
    let most = if text.len() <= 80 { 6 } else { 16 };
    mixed(text) && !repeats(text, most) && !ascends(text) && !has_written_word(text)
}

/// Whether a value can be a password that somebody uses: not a name of a variable, a path, a word, or an empty place.
pub(super) fn password(value: &[u8]) -> bool {
    value.len() >= 3
        && value.len() <= LONGEST
        && !stands_for_another(value)
        && !has_word(&value.to_ascii_lowercase())
        && !is_trivial(value)
}

/// Whether a value is a reference to where the secret is: `${X}`, `$(x)`, `{{ x }}`, `<x>`, `%x%`, `@x@`, `***`.
pub(super) fn stands_for_another(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or(b'$');
    let last = value.last().copied().unwrap_or(b'$');
    let inside = |needle: &[u8]| memchr::memmem::find(value, needle).is_some();
    let variable = first == b'$' && value.get(1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'{' | b'(' | b'$'))
        // Not a password hash: `$6$salt$hash`.
        && !value[1..].contains(&b'$');
    variable
        || inside(b"${")
        || inside(b"$(")
        || inside(b"{{")
        || inside(b"<%")
        || (first == b'<' && last == b'>')
        || (first == b'[' && last == b']')
        || (first == b'{' && last == b'}')
        || (first == b'(' && last == b')')
        || (first == b'%' && (last == b'%' || last == b's' || last == b'v'))
        || (first == b'@' && last == b'@')
        || (first == b'_' && last == b'_')
        || value.iter().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'?' | b'#'))
}

/// Whether it is a word that stands where passwords do, in every introduction.
fn is_trivial(value: &[u8]) -> bool {
    const TRIVIAL: &[&str] = &[
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "token",
        "none",
        "null",
        "nil",
        "true",
        "false",
        "yes",
        "no",
        "user",
        "username",
        "test",
        "admin",
        "root",
        "guest",
        "anonymous",
        "default",
        "empty",
        "string",
        "value",
        "key",
        "unset",
        "optional",
        "required",
        "prompt",
        "hidden",
        "my",
        "foo",
        "bar",
        "baz",
        "123456",
        "12345",
        "1234",
        "123",
        "12345678",
        "123456789",
        "letmein",
        "qwerty",
        "abc123",
        "passw0rd",
        "p@ssw0rd",
        "hunter2",
        "pw",
        "x",
        "login",
        "postgres",
        "mysql",
        "redis",
        "demo",
        "public",
        "private",
        "basic",
        "bearer",
        "apikey",
        "api_key",
        "access_token",
        "s3cr3t",
        "...",
        "password1",
        "password123",
        "pass123",
        "secret123",
        "email",
        "me",
        "name",
        "git",
        "oauth2",
        "x-access-token",
        "myuser",
        "host",
        "port",
        "mongo",
        "rabbitmq",
        "mariadb",
        "ubuntu",
        "debian",
        "vagrant",
        "docker",
        "jenkins",
        "nobody",
        "toor",
        "changeit",
    ];
    let lower = value.to_ascii_lowercase();
    TRIVIAL.iter().any(|word| word.as_bytes() == lower) || repeats(value, 6) && value.len() < 12
}

/// Whether a value of a place where anything may stand looks made by a machine: letters and digits, well mixed.
pub(super) fn generated(value: &[u8]) -> bool {
    let has = |set: fn(&u8) -> bool| value.iter().any(set);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && entropy(value) >= 3.0 && random(value) && !is_uuid(value)
}

/// Whether it is a UUID (RFC 9562, section 4), a name and no secret.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => Set::HEX_ANY.has(*b),
        })
}

/// Shannon's entropy in bits a byte.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let total = text.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(share).map(|p| -p * p.log2()).sum()
}

/// Random text of n characters has almost log2(n) bits a character, but never more than its alphabet.
fn mixed(text: &[u8]) -> bool {
    let is_hex = text.iter().all(|b| Set::HEX_ANY.has(*b) || *b == b'-');
    let alphabet = if is_hex { 16.0 } else { 36.0 };
    entropy(text) >= 0.65 * (text.len() as f64).min(alphabet).log2()
}

/// So many times the same.
fn repeats(text: &[u8], most: usize) -> bool {
    stretches(text, most, |a, b| a == b)
}

/// Six in a row, upwards or downwards.
fn ascends(text: &[u8]) -> bool {
    stretches(text, 6, |a, b| a.wrapping_add(1) == b) || stretches(text, 6, |a, b| b.wrapping_add(1) == a)
}

fn stretches(text: &[u8], length: usize, follows: impl Fn(u8, u8) -> bool) -> bool {
    let mut row = 1;
    text.windows(2).any(|pair| {
        row = if follows(pair[0], pair[1]) { row + 1 } else { 1 };
        row >= length
    })
}

/// Whether one of the words is there as people write them; in random text of any case a short one may stand by accident.
fn has_written_word(text: &[u8]) -> bool {
    let capitals = text.iter().map(|b| if b.is_ascii_lowercase() { b'.' } else { b.to_ascii_lowercase() });
    has_word(text) || has_word(&capitals.collect::<Vec<u8>>())
}

fn has_word(text: &[u8]) -> bool {
    WORDS.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}
