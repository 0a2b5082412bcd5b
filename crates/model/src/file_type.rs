//! What an extension means: the category, the media type, whether a browser plays it.

use crate::Category;

/// What is known of a kind of file by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileType {
    /// Extension in lower case, without the dot; also the document's `file_type`.
    pub extension: &'static str,
    /// Which pages show it.
    pub category: Category,
    /// Media type it is served with.
    pub mime: &'static str,
    /// A container no browser plays: quarantined from folders, refused on the web.
    pub needs_conversion: bool,
}

const fn document(extension: &'static str, mime: &'static str) -> FileType {
    FileType {
        extension,
        category: Category::Document,
        mime,
        needs_conversion: false,
    }
}

const fn audio(extension: &'static str, mime: &'static str) -> FileType {
    FileType {
        extension,
        category: Category::Audio,
        mime,
        needs_conversion: false,
    }
}

const fn image(extension: &'static str, mime: &'static str) -> FileType {
    FileType {
        extension,
        category: Category::Image,
        mime,
        needs_conversion: false,
    }
}

const fn video(extension: &'static str, mime: &'static str, needs_conversion: bool) -> FileType {
    FileType {
        extension,
        category: Category::Video,
        mime,
        needs_conversion,
    }
}

/// Every extension with a meaning of its own. Anything else is a document of type `bin`: kept, found by name, downloadable.
pub const ACCEPTED_EXTENSIONS: &[FileType] = &[
    document("pdf", "application/pdf"),
    document("txt", "text/plain"),
    document("text", "text/plain"),
    document("log", "text/plain"),
    document("md", "text/markdown"),
    document("markdown", "text/markdown"),
    document("csv", "text/csv"),
    document("tsv", "text/tab-separated-values"),
    document("json", "application/json"),
    document("xml", "application/xml"),
    document("yaml", "application/yaml"),
    document("yml", "application/yaml"),
    document("toml", "application/toml"),
    document("srt", "application/x-subrip"),
    document("vtt", "text/vtt"),
    document("html", "text/html"),
    document("htm", "text/html"),
    document("xhtml", "application/xhtml+xml"),
    document("mhtml", "multipart/related"),
    document(
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    document(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    document(
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    document("doc", "application/msword"),
    document("xls", "application/vnd.ms-excel"),
    document("ppt", "application/vnd.ms-powerpoint"),
    document("odt", "application/vnd.oasis.opendocument.text"),
    document("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    document("odp", "application/vnd.oasis.opendocument.presentation"),
    document("rtf", "application/rtf"),
    document("hwp", "application/x-hwp"),
    document("hwpx", "application/hwp+zip"),
    document("epub", "application/epub+zip"),
    document("eml", "message/rfc822"),
    document("msg", "application/vnd.ms-outlook"),
    document("mbox", "application/mbox"),
    document("zip", "application/zip"),
    document("tar", "application/x-tar"),
    audio("mp3", "audio/mpeg"),
    audio("m4a", "audio/mp4"),
    audio("aac", "audio/aac"),
    audio("flac", "audio/flac"),
    audio("ogg", "audio/ogg"),
    audio("oga", "audio/ogg"),
    audio("opus", "audio/ogg"),
    audio("wav", "audio/wav"),
    audio("amr", "audio/amr"),
    audio("wma", "audio/x-ms-wma"),
    audio("aif", "audio/aiff"),
    audio("aiff", "audio/aiff"),
    audio("mka", "audio/x-matroska"),
    video("mp4", "video/mp4", false),
    video("m4v", "video/mp4", false),
    video("webm", "video/webm", false),
    video("mov", "video/quicktime", true),
    video("mkv", "video/x-matroska", true),
    video("avi", "video/x-msvideo", true),
    video("wmv", "video/x-ms-wmv", true),
    video("flv", "video/x-flv", true),
    image("jpg", "image/jpeg"),
    image("jpeg", "image/jpeg"),
    image("png", "image/png"),
    image("gif", "image/gif"),
    image("webp", "image/webp"),
    image("tif", "image/tiff"),
    image("tiff", "image/tiff"),
    image("bmp", "image/bmp"),
    image("heic", "image/heic"),
    image("heif", "image/heif"),
    image("avif", "image/avif"),
    image("svg", "image/svg+xml"),
];

impl FileType {
    /// A file of no known kind.
    pub const UNKNOWN: Self = document("bin", "application/octet-stream");

    /// What the name's extension says; [`FileType::UNKNOWN`] where it says nothing.
    pub fn of_name(name: &str) -> Self {
        let base = name.rsplit('/').next().unwrap_or(name);
        let Some((stem, extension)) = base.rsplit_once('.') else {
            return Self::UNKNOWN;
        };
        if stem.is_empty() {
            return Self::UNKNOWN;
        }
        ACCEPTED_EXTENSIONS
            .iter()
            .find(|known| known.extension.eq_ignore_ascii_case(extension))
            .copied()
            .unwrap_or(Self::UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_whatever_its_case() {
        assert_eq!(FileType::of_name("Videos/휴가.MOV").extension, "mov");
        assert!(FileType::of_name("a.mkv").needs_conversion);
        assert!(!FileType::of_name("a.webm").needs_conversion);
        assert_eq!(FileType::of_name("회의.m4a").category, Category::Audio);
    }

    #[test]
    fn a_name_without_extension_is_unknown() {
        assert_eq!(FileType::of_name("README"), FileType::UNKNOWN);
        assert_eq!(FileType::of_name(".pdf"), FileType::UNKNOWN);
        assert_eq!(FileType::of_name("a.b/c"), FileType::UNKNOWN);
    }

    #[test]
    fn no_extension_is_listed_twice() {
        let mut names: Vec<_> = ACCEPTED_EXTENSIONS.iter().map(|t| t.extension).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }
}
