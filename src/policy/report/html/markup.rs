//! HTML that cannot be anything else than what was meant: what is not escaped is a literal of this program.

use crate::policy::report::advisory::link;

/// A piece of a page.
#[derive(Default)]
pub(super) struct Html(String);

/// An element that is being made.
pub(super) struct Tag {
    name: &'static str,
    open: String,
}

/// An element of this name.
pub(super) fn tag(name: &'static str) -> Tag {
    Tag { name, open: format!("<{name}") }
}

/// A text.
pub(super) fn text(text: impl AsRef<str>) -> Html {
    Html::default().text(text)
}

/// A sentence; what stands between backquotes in it is code.
pub(super) fn prose(sentence: &str) -> Html {
    let pieces: Vec<&str> = sentence.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return text(sentence);
    }
    pieces.iter().enumerate().map(|(i, piece)| if i % 2 == 0 { text(piece) } else { tag("code").text(piece) }).collect()
}

impl Html {
    /// Markup as it is.
    pub(super) fn raw(markup: &'static str) -> Html {
        Html(markup.to_owned())
    }

    /// With a text behind it.
    pub(super) fn text(mut self, text: impl AsRef<str>) -> Html {
        escape(text.as_ref(), &mut self.0);
        self
    }

    /// With more behind it.
    pub(super) fn and(mut self, more: Html) -> Html {
        self.0 += &more.0;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<T: IntoIterator<Item = Html>>(pieces: T) -> Html {
        pieces.into_iter().fold(Html::default(), Html::and)
    }
}

impl Tag {
    /// With an attribute that loads and runs nothing: no `style`, no `on…`; addresses come with [`Tag::to`].
    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Tag {
        self.open.push(' ');
        self.open += name;
        self.open += "=\"";
        escape(value.as_ref(), &mut self.open);
        self.open.push('"');
        self
    }

    pub(super) fn class(self, class: impl AsRef<str>) -> Tag {
        self.with("class", class)
    }

    /// With the page that it leads to, where that is one of the web.
    pub(super) fn to(self, page: &str) -> Tag {
        match link(page) {
            Some(page) => self.with("href", page).with("rel", "noreferrer noopener"),
            None => self,
        }
    }

    /// Around something.
    pub(super) fn of(self, inner: Html) -> Html {
        Html(format!("{}>{}</{}>", self.open, inner.0, self.name))
    }

    /// Around a text.
    pub(super) fn text(self, inner: impl AsRef<str>) -> Html {
        self.of(text(inner))
    }

    /// Without an end, as `input` has none.
    pub(super) fn void(self) -> Html {
        Html(self.open + ">")
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => *out += "&amp;",
            '<' => *out += "&lt;",
            '>' => *out += "&gt;",
            '"' => *out += "&quot;",
            '\'' => *out += "&#39;",
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_text_everywhere() {
        let hostile = "</script><img src=x onerror=\"alert('1')\">&\0";
        let page = tag("a").to("javascript:alert(1)").with("title", hostile).text(hostile).into_string();
        let escaped = "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\u{fffd}";
        assert_eq!(page, format!("<a title=\"{escaped}\">{escaped}</a>"));
        let there = tag("a").to("https://example.com/?a=1&b=\"").text("x").into_string();
        assert!(there.starts_with("<a href=\"https://example.com/?a=1&amp;b=%22\" rel="), "{there}");
    }
}
