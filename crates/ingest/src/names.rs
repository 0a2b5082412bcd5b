//! Names: as they lie on disk, as they are stored, and as new files are given them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use model::name;
use store::KnownFile;

/// Longest file name, in bytes, that every usual file system takes.
const MAX_NAME_BYTES: usize = 255;

/// Room kept in a name for a number such as ` (12)`.
const NUMBER_BYTES: usize = 8;

/// A path relative to the library root: the bytes on disk, `/` between parts, never with `.` or `..` parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DiskPath(Vec<u8>);

impl DiskPath {
    /// From a path relative to the library root; `None` where it is empty, absolute, or steps upward.
    pub fn new(relative: &Path) -> Option<Self> {
        let plain = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let bytes = relative.as_os_str().as_bytes();
        (plain && !bytes.is_empty()).then(|| {
            let parts: Vec<&[u8]> = relative.iter().map(OsStrExt::as_bytes).collect();
            Self(parts.join(&b'/'))
        })
    }

    /// `path` as seen from `root`; `None` where it does not lie below it.
    pub fn below(root: &Path, path: &Path) -> Option<Self> {
        path.strip_prefix(root).ok().and_then(Self::new)
    }

    /// Where the file of that row lies.
    pub(crate) fn of_known(known: &KnownFile) -> Self {
        Self::of_stored(&known.path, known.path_raw.as_deref())
    }

    /// Where a stored path (and its raw bytes, if any) says that the file lies.
    pub(crate) fn of_stored(path: &str, raw: Option<&[u8]>) -> Self {
        Self(raw.unwrap_or(path.as_bytes()).to_vec())
    }

    /// The absolute path.
    pub fn on(&self, root: &Path) -> PathBuf {
        root.join(OsStr::from_bytes(&self.0))
    }

    /// Whether it lies below `folder`.
    pub(crate) fn is_below(&self, folder: &Self) -> bool {
        let rest = self.0.strip_prefix(folder.0.as_slice());
        rest.is_some_and(|rest| rest.starts_with(b"/"))
    }

    /// As the system takes it.
    pub(crate) fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// As text, where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// As it is stored and shown: NFC, bytes that are no UTF-8 as `\xHH`.
    pub fn stored(&self) -> String {
        let mut text = String::new();
        for chunk in self.0.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                text.push_str(&format!("\\x{byte:02X}"));
            }
        }
        name::nfc(&text)
    }

    /// The bytes, where `stored` does not say them.
    pub(crate) fn raw_beside(&self, stored: &str) -> Option<Vec<u8>> {
        (self.0 != stored.as_bytes()).then(|| self.0.clone())
    }

    /// The names this file may be stored under, best first. More than the first are needed only where files lie side by side
    /// whose names differ in nothing but the normal form.
    pub(crate) fn stored_candidates(&self) -> Vec<String> {
        let stored = self.stored();
        let fallback = format!("{stored}~{}", &blake3::hash(&self.0).to_hex()[..8]);
        let own = self.as_str().map(str::to_owned);
        let mut candidates: Vec<String> = [
            Some(stored.clone()),
            own,
            Some(name::nfd(&stored)),
            Some(fallback),
        ]
        .into_iter()
        .flatten()
        .collect();
        candidates.dedup();
        candidates
    }
}

/// The last part of a stored path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A file's name without its extension, in NFC: the title until something better is known.
pub(crate) fn title_of(file_name: &str) -> String {
    let file = base(file_name);
    let stem = match file.rsplit_once('.') {
        Some((stem, _)) if !stem.trim().is_empty() => stem,
        _ => file,
    };
    name::nfc(stem.trim())
}

/// A name that is safe on disk, made of what the sender called the file: NFC, no folders, no control characters, no leading
/// dot or trailing blank, at most 255 bytes with its extension kept. `None` where nothing is left of it.
pub(crate) fn sanitise(file_name: &str) -> Option<String> {
    let base = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = name::nfc(base)
        .chars()
        .map(|c| if is_forbidden(c) { '_' } else { c })
        .collect();
    let clean = clean
        .trim()
        .trim_start_matches(['.', '~'])
        .trim_end_matches(['.', ' '])
        .trim();
    let usable = clean.chars().any(|c| c != '_' && c != '.');
    usable.then(|| shorten(clean, MAX_NAME_BYTES - NUMBER_BYTES))
}

/// Control characters, what steers the direction of writing (it makes `gpj.exe` look like `exe.jpg`), and what Windows and
/// SMB take amiss.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Cuts the stem so that the name fits `limit` bytes.
fn shorten(file_name: &str, limit: usize) -> String {
    let (stem, extension) = split_extension(file_name);
    let room = limit.saturating_sub(extension.len());
    let mut end = stem.len().min(room);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

/// The name with a number, for the `n`th file of that name (`2` → `name (2).pdf`).
pub(crate) fn numbered(file_name: &str, n: u32) -> String {
    if n <= 1 {
        return file_name.to_owned();
    }
    let (stem, extension) = split_extension(file_name);
    format!("{stem} ({n}){extension}")
}

/// Longest thing after the last dot that is still taken for an extension, in bytes.
const MAX_EXTENSION_BYTES: usize = 16;

fn split_extension(file_name: &str) -> (&str, &str) {
    match file_name.rfind('.') {
        Some(at) if at > 0 && file_name.len() - at <= MAX_EXTENSION_BYTES => file_name.split_at(at),
        _ => (file_name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_harmless_and_korean_ones_stay() {
        let safe = |name: &str| sanitise(name).unwrap_or_default();
        assert_eq!(safe("../../etc/passwd"), "passwd");
        assert_eq!(safe("C:\\Users\\me\\보고서.pdf"), "보고서.pdf");
        assert_eq!(safe(&name::nfd("회의록.pdf")), "회의록.pdf");
        assert_eq!(safe(".bashrc"), "bashrc");
        assert_eq!(safe("a\0b\nc.txt"), "a_b_c.txt");
        assert_eq!(safe("invoice\u{202E}gpj.exe"), "invoice_gpj.exe");
        assert_eq!(safe("what?.pdf"), "what_.pdf");
        for nothing in ["", "..", "/", "a/..", " . ", "\u{1}"] {
            assert_eq!(sanitise(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension_and_whole_characters() {
        let long = format!("{}.pdf", "가".repeat(200));
        let short = sanitise(&long).unwrap();
        assert!(short.len() <= MAX_NAME_BYTES - NUMBER_BYTES);
        assert!(short.starts_with("가가") && short.ends_with("가.pdf"));
        assert!(numbered(&short, 9999).len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn a_clash_gets_a_number_before_the_extension() {
        assert_eq!(numbered("a.pdf", 1), "a.pdf");
        assert_eq!(numbered("a.pdf", 2), "a (2).pdf");
        assert_eq!(numbered("README", 3), "README (3)");
    }

    #[test]
    fn a_path_never_leaves_its_root() {
        assert_eq!(DiskPath::new(Path::new("../x")), None);
        assert_eq!(DiskPath::new(Path::new("/x")), None);
        assert_eq!(DiskPath::new(Path::new("")), None);
        assert_eq!(
            DiskPath::below(Path::new("/lib"), Path::new("/other/x")),
            None
        );
        let path = DiskPath::below(Path::new("/lib"), Path::new("/lib/Inbox/x")).unwrap();
        assert_eq!(path.stored(), "Inbox/x");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_and_kept() {
        let path = DiskPath(b"Inbox/\xC0\xC7.txt".to_vec());
        assert_eq!(path.stored(), "Inbox/\\xC0\\xC7.txt");
        assert_eq!(
            path.raw_beside(&path.stored()),
            Some(b"Inbox/\xC0\xC7.txt".to_vec())
        );
    }

    #[test]
    fn a_title_is_the_name_without_extension() {
        assert_eq!(title_of("Inbox/2024 회의.final.pdf"), "2024 회의.final");
        assert_eq!(title_of("README"), "README");
        assert_eq!(title_of(".pdf"), ".pdf");
    }
}
