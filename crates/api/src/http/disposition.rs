//! `Content-Disposition` with names in any script (RFC 6266, RFC 5987).

use std::fmt::Write as _;

use axum::http::HeaderValue;

/// Whether the browser shows a file or saves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Shown in place.
    Inline,
    /// Saved.
    Attachment,
}

/// The header's value for a file of that name.
pub(crate) fn header(disposition: Disposition, file_name: &str) -> HeaderValue {
    let word = match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let (plain, encoded) = (ascii_name(file_name), percent_encoded(file_name));
    let value = format!("{word}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// For clients that know only ASCII: what they cannot read is `_`.
fn ascii_name(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '"' | '\\' | '/' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect()
}

fn percent_encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_korean_name_is_encoded_and_has_a_plain_fallback() {
        let value = header(Disposition::Attachment, "회의 a.pdf");
        assert_eq!(
            value,
            "attachment; filename=\"__ a.pdf\"; filename*=UTF-8''%ED%9A%8C%EC%9D%98%20a.pdf"
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_the_header() {
        let value = header(Disposition::Inline, "a\"; x=\"\r\nSet-Cookie: b");
        let text = value.to_str().unwrap();
        assert!(text.starts_with("inline; filename=\"a_; x=___Set-Cookie: b\";"));
        assert_eq!(text.matches('"').count(), 2);
    }
}
