//! As much of DER as it takes to find the subject of a certificate.

/// Tags of what is looked at.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTF8: u8 = 0x0c;
const EXPLICIT_0: u8 = 0xa0;

/// An element: its tag, its content, and the bytes of the whole.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

/// Takes the first element off.
fn take<'a>(input: &mut &'a [u8]) -> Option<Element<'a>> {
    let (tag, first) = (*input.first()?, *input.get(1)?);
    let (length, header) = match first {
        0..=0x7f => (usize::from(first), 2),
        0x81..=0x83 => {
            let count = usize::from(first & 0x7f);
            let bytes = input.get(2..2 + count)?;
            (bytes.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)), 2 + count)
        }
        _ => return None,
    };
    let whole = input.get(..header.checked_add(length)?)?;
    *input = &input[whole.len()..];
    Some(Element { tag, content: &whole[header..], whole })
}

fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(input).filter(|element| element.tag == tag).map(|element| element.content)
}

/// The subject of a certificate in the canonical form that OpenSSL hashes; none for what is no certificate.
pub(super) fn subject(certificate: &[u8]) -> Option<Vec<u8>> {
    let mut input = certificate;
    let mut input = expect(&mut input, SEQUENCE)?;
    let mut body = expect(&mut input, SEQUENCE)?;
    // The version may be left out; then come number, algorithm, issuer and validity.
    if body.first() == Some(&EXPLICIT_0) {
        take(&mut body)?;
    }
    for _ in 0..4 {
        take(&mut body)?;
    }
    let mut names = expect(&mut body, SEQUENCE)?;
    let mut canonical = Vec::new();
    while !names.is_empty() {
        let mut set = expect(&mut names, SET)?;
        let mut members = Vec::new();
        while !set.is_empty() {
            members.push(attribute(expect(&mut set, SEQUENCE)?)?);
        }
        members.sort();
        canonical.extend(encode(SET, &members.concat()));
    }
    Some(canonical)
}

/// One attribute with its value in small letters, single spaces and UTF-8.
fn attribute(mut content: &[u8]) -> Option<Vec<u8>> {
    let kind = take(&mut content)?;
    let value = take(&mut content)?;
    let encoded = match text(&value) {
        Some(text) => {
            let words: Vec<String> = text
                .split(|c: char| c.is_ascii_whitespace() || c == '\u{b}')
                .filter(|w| !w.is_empty())
                .map(str::to_ascii_lowercase)
                .collect();
            encode(UTF8, words.join(" ").as_bytes())
        }
        None => value.whole.to_vec(),
    };
    Some(encode(SEQUENCE, &[kind.whole, &encoded].concat()))
}

/// The text of a value that is one.
fn text(value: &Element<'_>) -> Option<String> {
    match value.tag {
        UTF8 | 0x13 | 0x16 | 0x1a => String::from_utf8(value.content.to_vec()).ok(),
        // T61: taken as Latin 1, as OpenSSL does.
        0x14 => Some(value.content.iter().map(|b| char::from(*b)).collect()),
        0x1e => {
            let units = value.content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        0x1c => value
            .content
            .chunks_exact(4)
            .map(|four| char::from_u32(u32::from_be_bytes([four[0], four[1], four[2], four[3]])))
            .collect(),
        _ => None,
    }
}

fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        _ => {
            let bytes = length.to_be_bytes();
            let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len() - 1);
            out.push(0x80 | (bytes.len() - start) as u8);
            out.extend_from_slice(&bytes[start..]);
        }
    }
    out.extend_from_slice(content);
    out
}
