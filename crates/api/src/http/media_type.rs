//! What a browser may do with a file of a media type.

/// Text that a browser shows as text, and nothing more.
const PLAIN_TEXT: &[&str] = &[
    "text/plain",
    "text/markdown",
    "text/csv",
    "text/tab-separated-values",
    "text/vtt",
    "application/json",
];

/// Pictures that every browser shows.
const PICTURES: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
];

/// Whether a browser shows it without running anything of it. Whatever is not known to be harmless is saved instead:
/// HTML, SVG and XML can carry scripts.
pub(crate) fn is_shown(mime: &str) -> bool {
    let mime = essence(mime);
    mime == "application/pdf"
        || PLAIN_TEXT.contains(&mime)
        || PICTURES.contains(&mime)
        || mime.starts_with("audio/")
        || mime.starts_with("video/")
}

/// The media type under which a browser shows it in place: it saves some kinds of plain text unless told that they are just
/// that.
pub(crate) fn shown_as(mime: &str) -> &str {
    if PLAIN_TEXT.contains(&essence(mime)) {
        "text/plain"
    } else {
        mime
    }
}

/// Whether the content is fenced by a `sandbox` policy. A PDF is not: browsers refuse to show one in a sandbox, and run it
/// in a process of its own anyway.
pub(crate) fn is_sandboxed(mime: &str) -> bool {
    essence(mime) != "application/pdf"
}

/// Whether its bytes are text, so that a charset can be told.
pub(crate) fn is_text(mime: &str) -> bool {
    essence(mime).starts_with("text/")
}

fn essence(mime: &str) -> &str {
    mime.split(';').next().unwrap_or(mime).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_never_shown() {
        for mime in [
            "text/html",
            "text/html; charset=utf-8",
            "application/xhtml+xml",
            "image/svg+xml",
            "application/xml",
            "text/xml",
            "text/javascript",
            "multipart/related",
            "application/octet-stream",
        ] {
            assert!(!is_shown(mime), "{mime}");
            assert!(is_sandboxed(mime), "{mime}");
        }
        for mime in [
            "application/pdf",
            "image/png",
            "video/mp4",
            "text/plain; charset=utf-8",
        ] {
            assert!(is_shown(mime), "{mime}");
        }
    }
}
