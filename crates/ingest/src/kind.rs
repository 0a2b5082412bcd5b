//! What kind of file it is: the extension's word, checked against the content.
//!
//! The extension wins wherever the content leaves room for it: among containers of one family (`.mov`, `.mp4` and `.m4a`
//! are all ISO media), among text formats, and where the content tells nothing. Only content that can be nothing else
//! overrules it.

use model::FileType;

/// How much of a file is looked at, in bytes.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

/// Readers accept a PDF header anywhere in the first kilobyte.
const PDF_HEADER_WITHIN: usize = 1024;

/// Extensions of formats that share one container or signature.
const FAMILIES: &[&[&str]] = &[
    &["mp4", "m4v", "mov", "m4a"],
    &["mkv", "webm", "mka"],
    &[
        "zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "hwpx",
    ],
    &["doc", "xls", "ppt", "msg", "hwp"],
    &["ogg", "oga", "opus"],
    &["mp3", "aac"],
    &["wma", "wmv"],
    &["jpg", "jpeg"],
    &["tif", "tiff"],
    &["aif", "aiff"],
    &["heic", "heif", "avif"],
    &[
        "txt", "text", "log", "md", "markdown", "csv", "tsv", "json", "xml", "yaml", "yml", "toml",
        "srt", "vtt", "html", "htm", "xhtml", "mhtml", "eml", "mbox", "svg",
    ],
];

/// Signatures so long or so odd that nothing else begins with them; `infer` knows how to read them.
const CERTAIN: &[&str] = &[
    "png", "jpg", "gif", "webp", "tif", "heif", "avif", "avi", "wmv", "flv", "flac", "wav", "ogg",
    "opus", "amr", "aiff", "epub", "zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "doc",
    "xls", "ppt", "rtf", "tar",
];

/// Short signatures, believed only where the name says nothing.
const LIKELY: &[&str] = &["mp3", "aac", "bmp"];

/// The kind of a file called `name` that begins with `head` (its first [`HEAD_BYTES`], or all of it).
pub(crate) fn of(name: &str, head: &[u8]) -> FileType {
    let named = FileType::of_name(name);
    let Some(found) = certain(head, named) else {
        return named;
    };
    if same_family(named.extension, found) {
        return named;
    }
    match FileType::of_name(&format!("x.{found}")) {
        FileType::UNKNOWN => named,
        kind => kind,
    }
}

/// The extension that the content speaks for; `None` where it is not certain.
fn certain(head: &[u8], named: FileType) -> Option<&'static str> {
    let unnamed = named == FileType::UNKNOWN;
    pdf(head, named)
        .or_else(|| iso_media(head))
        .or_else(|| matroska(head))
        .or_else(|| signature(head, CERTAIN))
        .or_else(|| tagged_mp3(head))
        .or_else(|| text(head))
        .or_else(|| unnamed.then(|| signature(head, LIKELY)).flatten())
}

fn same_family(a: &str, b: &str) -> bool {
    a == b
        || FAMILIES
            .iter()
            .any(|family| family.contains(&a) && family.contains(&b))
}

fn pdf(head: &[u8], named: FileType) -> Option<&'static str> {
    let window = &head[..head.len().min(PDF_HEADER_WITHIN)];
    // One that has lost its header is broken, but nothing to be read as text.
    let headless = named.extension == "pdf" && contains(window, b" 0 obj");
    (headless || contains(window, b"%PDF-")).then_some("pdf")
}

/// MP4, QuickTime and their kin: a first box `ftyp` with a brand, or one of QuickTime's old first boxes.
fn iso_media(head: &[u8]) -> Option<&'static str> {
    match head.get(4..8)? {
        b"ftyp" => Some(match head.get(8..12)? {
            b"qt  " => "mov",
            b"M4A " | b"M4B " => "m4a",
            b"avif" | b"avis" => "avif",
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => "heic",
            _ => "mp4",
        }),
        // A box's length begins with a zero byte below 16 MiB, which no text does.
        b"moov" | b"wide" | b"mdat" if head[0] == 0 => Some("mov"),
        _ => None,
    }
}

fn matroska(head: &[u8]) -> Option<&'static str> {
    if !head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) {
        return None;
    }
    let window = &head[..head.len().min(64)];
    Some(if contains(window, b"webm") {
        "webm"
    } else {
        "mkv"
    })
}

fn tagged_mp3(head: &[u8]) -> Option<&'static str> {
    (head.starts_with(b"ID3") && head.get(3).is_some_and(|version| *version < 5)).then_some("mp3")
}

fn signature(head: &[u8], believed: &[&'static str]) -> Option<&'static str> {
    let found = infer::get(head)?.extension();
    let found = if found == "heif" { "heic" } else { found };
    believed
        .iter()
        .copied()
        .find(|known| *known == found || (found == "heic" && *known == "heif"))
        .map(|known| if known == "heif" { "heic" } else { known })
}

/// Text in UTF-8 or marked UTF-16. Other encodings are not certain enough to overrule a name.
fn text(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return (head.len().is_multiple_of(2) && head.len() > 2).then_some("txt");
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end within a character, but nowhere else may it be broken.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let readable = !text.trim().is_empty() && !text.chars().any(is_binary);
    readable.then(|| markup(text))
}

fn is_binary(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{C}' | '\u{1B}' | '\u{85}')
}

fn markup(text: &str) -> &'static str {
    let start: String = text
        .trim_start_matches('\u{FEFF}')
        .trim_start()
        .chars()
        .take(16)
        .collect::<String>()
        .to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        "html"
    } else if start.starts_with("<?xml") {
        "xml"
    } else {
        "txt"
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
    const QT: &[u8] = b"\0\0\0\x14ftypqt  \0\0\x02\0qt  ";
    const MKV: &[u8] = b"\x1A\x45\xDF\xA3\x93\x42\x82\x88matroska";
    const WEBM: &[u8] = b"\x1A\x45\xDF\xA3\x93\x42\x82\x84webm";
    const AVI: &[u8] = b"RIFF\x10\0\0\0AVI LIST";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";

    fn kind(name: &str, head: &[u8]) -> &'static str {
        of(name, head).extension
    }

    #[test]
    fn mislabelled_files_are_what_their_content_is() {
        assert_eq!(kind("scan.pdf", PNG), "png");
        assert_eq!(kind("song.mp3", MP4), "mp4");
        assert_eq!(kind("letter.pdf", "안녕하세요, hello\n".as_bytes()), "txt");
        assert_eq!(kind("photo.jpg", b"%PDF-1.7\n"), "pdf");
        assert_eq!(kind("film.mp4", MKV), "mkv");
        assert_eq!(kind("film.mp4", AVI), "avi");
        assert_eq!(kind("page.pdf", b"<!DOCTYPE html><html>"), "html");
        assert_eq!(kind("talk.wav", b"ID3\x04\0\0\0\0\0\0"), "mp3");
    }

    #[test]
    fn within_a_family_the_extension_decides() {
        assert_eq!(kind("holiday.mp4", QT), "mp4");
        assert_eq!(kind("holiday.mov", MP4), "mov");
        assert_eq!(kind("memo.m4a", MP4), "m4a");
        assert_eq!(kind("clip.webm", WEBM), "webm");
        assert_eq!(kind("clip.mkv", WEBM), "mkv");
        assert_eq!(kind("report.docx", ZIP), "docx");
        assert_eq!(kind("notes.md", b"# <html> is a tag\n"), "md");
        assert_eq!(kind("mail.eml", b"From: a@b\n\nhi"), "eml");
    }

    #[test]
    fn what_tells_nothing_leaves_the_name_its_word() {
        assert_eq!(kind("empty.pdf", b""), "pdf");
        assert_eq!(kind("about pdf.txt", b"write 1 0 obj first"), "txt");
        assert_eq!(kind("broken.pdf", b"not a header\n1 0 obj\n<<>>"), "pdf");
        assert_eq!(kind("noise.mp3", &[0x80, 0x01, 0x02, 0xFF, 0x00]), "mp3");
        assert_eq!(kind("옛글.txt", b"\xC8\xB8\xC0\xC7\xB7\xCF BMW"), "txt");
        assert_eq!(kind("car.txt", b"BMW is a maker of cars"), "txt");
        assert_eq!(kind("frames.wav", &[0xFF, 0xFB, 0x90, 0x64, 0, 0]), "wav");
    }

    #[test]
    fn a_file_without_a_known_extension_is_what_its_content_is() {
        assert_eq!(kind("README", b"# Read me\n"), "txt");
        assert_eq!(kind("scan", b"junk\n%PDF-1.4"), "pdf");
        assert_eq!(kind("song", &[0xFF, 0xFB, 0x90, 0x64, 0, 0]), "mp3");
        assert_eq!(kind("blob", &[0, 1, 2, 3]), "bin");
    }

    #[test]
    fn a_head_cut_within_a_character_is_still_text() {
        let text = "가나다".as_bytes();
        assert_eq!(kind("x.pdf", &text[..text.len() - 1]), "txt");
    }

    #[test]
    fn quicktime_without_a_brand_is_known() {
        assert_eq!(kind("old.mpg", b"\0\0\x10\0moov\0\0\0\x6cmvhd"), "mov");
    }
}
