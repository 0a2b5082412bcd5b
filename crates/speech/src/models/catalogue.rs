//! The whisper models that can be fetched by name.

/// Where the models lie; the file name follows.
pub const HUB: &str = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/";
/// The model for most people: nearly the quality of the largest at a fraction of its weight.
pub const RECOMMENDED: &str = "large-v3-turbo-q5_0";

/// A model of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ModelInfo {
    /// What one types: `small-q5_1`.
    pub name: &'static str,
    /// The size of the file in bytes, to within a few percent.
    pub bytes: u64,
    /// Memory needed to run it in bytes, roughly.
    pub memory: u64,
    /// The SHA-1 of the file in hexadecimal, as its publisher lists it; `None` where it lists none.
    pub sha1: Option<&'static str>,
    /// Whether it knows some hundred languages, or English alone.
    pub multilingual: bool,
    /// In a few words, for a list.
    pub note: &'static str,
}

impl ModelInfo {
    /// The name of the model's file.
    pub fn file_name(&self) -> String {
        format!("ggml-{}.bin", self.name)
    }

    /// Where the file can be fetched.
    pub fn url(&self) -> String {
        format!("{HUB}{}", self.file_name())
    }
}

const fn entry(
    name: &'static str,
    megabytes: u64,
    memory_mb: u64,
    sha1: &'static str,
    note: &'static str,
) -> ModelInfo {
    ModelInfo {
        name,
        bytes: megabytes * 1_000_000,
        memory: memory_mb * 1_000_000,
        sha1: Some(sha1),
        multilingual: true,
        note,
    }
}

/// All models, the best first.
pub const CATALOGUE: &[ModelInfo] = &[
    entry(
        "large-v3",
        3_095,
        3_900,
        "ad82bf6a9043ceed055076d0fd39f5f186ff8062",
        "best, slow without a GPU",
    ),
    entry(
        "large-v3-q5_0",
        1_081,
        1_900,
        "e6e2ed78495d403bef4b7cff42ef4aaadcfea8de",
        "nearly the best, slow without a GPU",
    ),
    entry(
        "large-v3-turbo",
        1_625,
        2_200,
        "4af2b29d7ec73d781377bfd1758ca957a807e941",
        "very good, quick on a GPU",
    ),
    entry(
        "large-v3-turbo-q8_0",
        874,
        1_500,
        "01bf15bedffe9f39d65c1b6ff9b687ea91f59e0e",
        "very good",
    ),
    entry(
        RECOMMENDED,
        574,
        1_200,
        "e050f7970618a659205450ad97eb95a18d69c9ee",
        "very good, recommended",
    ),
    entry(
        "medium",
        1_534,
        2_100,
        "fd9727b6e1217c2f614f9b698455c4ffd82463b4",
        "good; turbo is better and quicker",
    ),
    entry(
        "medium-q8_0",
        823,
        1_400,
        "e66645948aff4bebbec71b3485c576f3d63af5d6",
        "good; turbo is better and quicker",
    ),
    entry(
        "medium-q5_0",
        539,
        1_100,
        "7718d4c1ec62ca96998f058114db98236937490e",
        "good; turbo is better and quicker",
    ),
    entry(
        "small",
        488,
        900,
        "55356645c2b361a969dfd0ef2c5a50d530afd8d5",
        "fair",
    ),
    entry(
        "small-q8_0",
        264,
        600,
        "bcad8a2083f4e53d648d586b7dbc0cd673d8afad",
        "fair",
    ),
    entry(
        "small-q5_1",
        190,
        500,
        "6fe57ddcfdd1c6b07cdcc73aaf620810ce5fc771",
        "fair, for small machines",
    ),
    entry(
        "base",
        148,
        400,
        "465707469ff3a37a2b9b8d8f89f2f99de7299dac",
        "rough",
    ),
    entry(
        "base-q8_0",
        82,
        300,
        "7bb89bb49ed6955013b166f1b6a6c04584a20fbe",
        "rough",
    ),
    entry(
        "base-q5_1",
        60,
        250,
        "a3733eda680ef76256db5fc5dd9de8629e62c5e7",
        "rough",
    ),
    entry(
        "tiny",
        78,
        280,
        "bd577a113a864445d4c299885e0cb97d4ba92b5f",
        "very rough, quick everywhere",
    ),
    entry(
        "tiny-q8_0",
        44,
        220,
        "19e8118f6652a650569f5a949d962154e01571d9",
        "very rough, quick everywhere",
    ),
    entry(
        "tiny-q5_1",
        32,
        200,
        "2827a03e495b1ed3048ef28a6a4620537db4ee51",
        "very rough, quick everywhere",
    ),
];

/// The model called `name`, also by its file name.
pub fn find(name: &str) -> Option<&'static ModelInfo> {
    CATALOGUE
        .iter()
        .find(|model| model.name == name || model.file_name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_checksums_are_well_formed_and_unlike() {
        let mut seen = std::collections::HashSet::new();
        for model in CATALOGUE {
            assert!(seen.insert(model.name), "{} twice", model.name);
            let sha1 = model.sha1.unwrap();
            assert!(sha1.len() == 40 && sha1.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(seen.insert(sha1), "{sha1} twice");
            assert!(model.memory > model.bytes);
        }
        assert_eq!(
            find(RECOMMENDED).unwrap().file_name(),
            "ggml-large-v3-turbo-q5_0.bin"
        );
        assert_eq!(find("ggml-tiny.bin").unwrap().name, "tiny");
        assert!(find("enormous").is_none());
    }
}
