//! HTML to text that reads well: paragraphs, lists and table rows on lines of their own, scripts and styles gone.
//!
//! It reads tokens, not a tree: however deep elements are nested, nothing grows with the depth and nothing recurses.

use std::cell::RefCell;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

use crate::ToolError;
use crate::parse::ParsedText;
use crate::text;

/// The charset is looked for in so many bytes at the beginning.
const CHARSET_WITHIN: usize = 4096;

/// Longest title, in characters.
const TITLE_CHARS: usize = 500;

/// Text, title and language of an HTML page in any encoding. A page that has nothing but a title gives that as its text.
/// Errors: `empty`, `binary`.
pub fn html_to_text(bytes: &[u8]) -> Result<ParsedText, ToolError> {
    let decoded = match charset(bytes) {
        Some(label) => text::decode_as(&label, bytes)?,
        None => text::decode(bytes)?,
    };
    let page = read(&decoded.text);
    let title = page.title.as_deref().and_then(tidy_title);
    let text = match page.text.trim() {
        "" => title.clone().ok_or_else(text::empty)?,
        text => text.to_owned(),
    };
    Ok(ParsedText {
        text,
        title,
        language: page.language,
        encoding: decoded.encoding.to_owned(),
    })
}

fn read(html: &str) -> Page {
    let tokenizer = Tokenizer::new(Sink::default(), Default::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(html));
    // `feed` pauses after each script and wants to be called again.
    while !queue.is_empty() {
        let _ = tokenizer.feed(&queue);
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// What the page says of its encoding, in a `meta` element or an XML declaration.
fn charset(bytes: &[u8]) -> Option<String> {
    let head =
        String::from_utf8_lossy(&bytes[..bytes.len().min(CHARSET_WITHIN)]).to_ascii_lowercase();
    let at = head.find("charset=").map(|at| at + "charset=".len());
    let declared = || {
        let xml = head.trim_start().strip_prefix("<?xml")?;
        Some(
            head.len() - xml.len() + xml.split("?>").next()?.find("encoding=")? + "encoding=".len(),
        )
    };
    let label = head[at.or_else(declared)?..].trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:".contains(c)));
    Some(label[..end.unwrap_or(label.len())].to_owned()).filter(|label| !label.is_empty())
}

fn tidy_title(title: &str) -> Option<String> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then(|| title.chars().take(TITLE_CHARS).collect())
}

/// Stands between the cells of a row, whatever blocks are in them.
const CELL: &str = " | ";

/// White space that comes before the next piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    Paragraph,
}

/// The page as read so far.
#[derive(Default)]
struct Page {
    text: String,
    title: Option<String>,
    language: Option<String>,
    gap: Gap,
    /// What stands before the next piece of text on its line: a bullet or the border of a cell.
    lead: &'static str,
    cells_in_row: usize,
    pre: usize,
    in_title: bool,
    /// Inside an element whose content nobody reads.
    hidden: bool,
}

#[derive(Default)]
struct Sink(RefCell<Page>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => page.characters(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return page.start(&tag),
            Token::TagToken(tag) => page.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Page {
    fn characters(&mut self, text: &str) {
        if self.hidden {
            return;
        }
        if self.in_title {
            self.title.get_or_insert_default().push_str(text);
        } else if self.pre > 0 {
            self.place();
            self.text.push_str(text);
        } else {
            self.words(text);
        }
    }

    /// Text with its white space collapsed.
    fn words(&mut self, text: &str) {
        let is_space = |c: char| c.is_whitespace() && c != '\u{a0}';
        for (number, word) in text.split(is_space).enumerate() {
            if number > 0 {
                self.gap = self.gap.max(Gap::Space);
            }
            if !word.is_empty() {
                self.place();
                self.text.push_str(word);
            }
        }
    }

    /// Writes the gap and the lead that are due.
    fn place(&mut self) {
        let gap = match std::mem::take(&mut self.gap) {
            _ if self.text.is_empty() || self.lead == CELL => "",
            Gap::None => "",
            Gap::Space => " ",
            Gap::Line => "\n",
            Gap::Paragraph => "\n\n",
        };
        self.text.push_str(gap);
        self.text.push_str(std::mem::take(&mut self.lead));
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        self.gap = self.gap.max(gap_around(name));
        match name {
            "html" => self.language = attribute(tag, "lang").filter(|lang| !lang.is_empty()),
            "title" if self.title.is_none() => {
                self.in_title = true;
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "title" | "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
            "script" => {
                self.hidden = true;
                return TokenSinkResult::RawData(RawKind::ScriptData);
            }
            "style" | "iframe" | "noembed" | "noframes" => {
                self.hidden = true;
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            "pre" => self.pre += 1,
            "li" => self.lead = "- ",
            "tr" => self.cells_in_row = 0,
            "td" | "th" => self.cell(),
            "img" => self.words(&attribute(tag, "alt").unwrap_or_default()),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn cell(&mut self) {
        if self.cells_in_row > 0 {
            self.lead = CELL;
        }
        self.cells_in_row += 1;
    }

    fn end(&mut self, name: &str) {
        self.gap = self.gap.max(gap_around(name));
        match name {
            "title" => self.in_title = false,
            "script" | "style" | "iframe" | "noembed" | "noframes" => self.hidden = false,
            "pre" => self.pre = self.pre.saturating_sub(1),
            _ => {}
        }
    }
}

fn gap_around(name: &str) -> Gap {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" | "pre"
        | "blockquote" | "hr" | "section" | "article" | "header" | "footer" | "main" | "nav"
        | "aside" | "figure" | "form" | "fieldset" => Gap::Paragraph,
        "div" | "br" | "li" | "tr" | "dt" | "dd" | "address" | "caption" | "figcaption"
        | "option" | "legend" | "summary" | "details" | "center" | "title" | "body" => Gap::Line,
        "td" | "th" | "img" | "button" | "input" | "select" | "textarea" => Gap::Space,
        _ => Gap::None,
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let attribute = tag.attrs.iter().find(|a| &*a.name.local == name)?;
    Some(attribute.value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        html_to_text(html.as_bytes()).unwrap().text
    }

    #[test]
    fn blocks_lists_and_tables_have_lines_of_their_own() {
        let html = "<h1>Title</h1><p>One\n  two</p><ul><li>a<li>b</ul>\
            <table><tr><th>Day<th>Open</tr><tr><td>Mon</td>\n<td><p>10</p></td></tr></table>end";
        assert_eq!(
            text(html),
            "Title\n\nOne two\n\n- a\n- b\n\nDay | Open\nMon | 10\n\nend"
        );
    }

    #[test]
    fn words_over_inline_elements_stay_whole() {
        assert_eq!(
            text("<p>un<b>believ</b>able &amp; <i>true</i></p>"),
            "unbelievable & true"
        );
    }

    #[test]
    fn scripts_styles_and_comments_are_gone() {
        let html = "a<script>if (1 < 2) { x = '</p>' }</script><style>p{}</style><!-- c --> b";
        assert_eq!(text(html), "a b");
    }

    #[test]
    fn preformatted_text_keeps_its_lines() {
        assert_eq!(text("<p>x</p><pre>a\n  b</pre>"), "x\n\na\n  b");
    }

    #[test]
    fn title_and_language_are_told() {
        let page =
            html_to_text(b"<html lang=ko><title> A\n&amp; B </title><svg><title>c</title></svg>d")
                .unwrap();
        assert_eq!(page.title.as_deref(), Some("A & B"));
        assert_eq!(page.language.as_deref(), Some("ko"));
        assert!(page.text.ends_with('d'));
    }

    #[test]
    fn the_named_charset_is_used() {
        let bytes = encoding_rs::EUC_KR
            .encode("<meta charset='euc-kr'><p>시골 장터")
            .0
            .into_owned();
        assert_eq!(html_to_text(&bytes).unwrap().text, "시골 장터");
        assert_eq!(
            charset(b"<?xml version='1.0' encoding='Shift_JIS'?><p>").as_deref(),
            Some("shift_jis")
        );
        assert_eq!(charset(b"<p>encoding=nothing"), None);
    }

    #[test]
    fn a_hundred_thousand_nested_elements_are_no_problem() {
        let html = "<div><ul><li>".repeat(100_000) + "bottom";
        assert_eq!(text(&html), "- bottom");
    }
}
