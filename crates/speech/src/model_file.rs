//! Looks through a whisper model file before whisper.cpp does.
//!
//! whisper.cpp trusts its input: a truncated or foreign file can make it allocate wildly or throw across the language
//! border, which ends the process. Everything that it takes on trust is checked here first, without reading the weights.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

/// `ggml`, as the first four bytes read as a little-endian number.
pub const MAGIC: u32 = 0x6767_6d6c;
/// The sizes of whisper's vocabularies: English, 99 and 100 languages. whisper.cpp counts on them.
const VOCABULARY: std::ops::RangeInclusive<i32> = 51_864..=51_866;
/// whisper.cpp keeps the version of the quantisation in the thousands of the format's number.
const FORMAT_VERSION_FACTOR: i32 = 1000;
/// The longest word of a vocabulary and the longest tensor name, in bytes.
const MAX_NAME: u32 = 1024;
/// The largest tensor of the decoder.
const EMBEDDING: &[u8] = b"decoder.token_embedding.weight";
/// Bands of the mel filter and points of its transform.
const MAX_MELS: i32 = 256;
const FFT_POINTS: i32 = 201;

/// Why a file is no model that can be loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ModelFileError {
    /// The first bytes are not those of a ggml file.
    #[error(
        "It is not a whisper model in ggml form (it does not begin with \"lmgg\"). Models in that form are called ggml-….bin."
    )]
    BadMagic,
    /// The file ends before the model does.
    #[error("The model file is not complete. Fetch it again, or wait until it is wholly copied.")]
    Truncated,
    /// Something in it cannot be.
    #[error("The model file is damaged or of another kind: {0}.")]
    Damaged(&'static str),
    /// It cannot be read.
    #[error("The model file cannot be read: {0}.")]
    Unreadable(String),
}

impl From<std::io::Error> for ModelFileError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// Checks the whole structure of the model file at `path`. Blocking; reads headers only.
pub fn check(path: &Path) -> Result<(), ModelFileError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = Reader {
        inner: BufReader::new(file),
        length,
    };
    if reader.u32().map_err(|_| ModelFileError::BadMagic)? != MAGIC {
        return Err(ModelFileError::BadMagic);
    }
    let size = check_dimensions(&mut reader)?;
    check_filters(&mut reader)?;
    check_words(&mut reader, size.vocabulary)?;
    let mut tensors = 0;
    while !reader.at_end()? {
        check_tensor(&mut reader, &size)?;
        tensors += 1;
    }
    // None at all is whisper.cpp's own form of a model for tests.
    if tensors != 0 && tensors != size.tensors {
        return Err(ModelFileError::Truncated);
    }
    Ok(())
}

/// What the head of the file promises.
struct Size {
    vocabulary: i32,
    width: i32,
    tensors: i32,
}

/// The eleven numbers that say how large the network is.
fn check_dimensions(reader: &mut Reader) -> Result<Size, ModelFileError> {
    let mut d = [0i32; 11];
    for value in &mut d {
        *value = reader.i32()?;
    }
    let [
        vocabulary,
        audio_ctx,
        width,
        audio_heads,
        audio_layers,
        text_ctx,
        text_width,
        text_heads,
        text_layers,
        mels,
        format,
    ] = d;
    let sane = VOCABULARY.contains(&vocabulary)
        && (1..=1500).contains(&audio_ctx)
        && (16..=8192).contains(&width)
        && text_width == width
        && [audio_heads, text_heads]
            .iter()
            .all(|&heads| heads > 0 && width % heads == 0)
        && [audio_layers, text_layers]
            .iter()
            .all(|layers| (1..=128).contains(layers))
        && (16..=8192).contains(&text_ctx)
        && (1..=MAX_MELS).contains(&mels)
        && known_format(format);
    sane.then(|| Size {
        vocabulary,
        width,
        tensors: 11 + 15 * audio_layers + 24 * text_layers,
    })
    .ok_or(ModelFileError::Damaged(
        "its dimensions are not those of a whisper model",
    ))
}

/// Whether ggml knows the number format of the weights; it ends the process over any other.
fn known_format(format: i32) -> bool {
    (0..10 * FORMAT_VERSION_FACTOR).contains(&format)
        && matches!(format % FORMAT_VERSION_FACTOR, 0..=3 | 7..=14 | 24)
}

fn check_filters(reader: &mut Reader) -> Result<(), ModelFileError> {
    let (mels, points) = (reader.i32()?, reader.i32()?);
    if !(1..=MAX_MELS).contains(&mels) || points != FFT_POINTS {
        return Err(ModelFileError::Damaged(
            "its mel filters have the wrong size",
        ));
    }
    reader.skip(4 * u64::from(mels.unsigned_abs()) * u64::from(points.unsigned_abs()))
}

fn check_words(reader: &mut Reader, vocabulary: i32) -> Result<(), ModelFileError> {
    let count = reader.i32()?;
    if !(0..=vocabulary).contains(&count) {
        return Err(ModelFileError::Damaged("its vocabulary has the wrong size"));
    }
    let mut has_blank = false;
    for _ in 0..count {
        let word = reader.name()?;
        has_blank |= word == b" ";
    }
    // whisper.cpp looks the blank up without asking whether it is there.
    has_blank
        .then_some(())
        .ok_or(ModelFileError::Damaged("its vocabulary has no blank"))
}

fn check_tensor(reader: &mut Reader, size: &Size) -> Result<(), ModelFileError> {
    let (dimensions, name_length, kind) = (reader.i32()?, reader.u32()?, reader.i32()?);
    if !(1..=4).contains(&dimensions) || name_length > MAX_NAME {
        return Err(ModelFileError::Damaged(
            "the head of a tensor makes no sense",
        ));
    }
    let extents = (0..dimensions)
        .map(|_| reader.i32())
        .collect::<Result<Vec<_>, _>>()?;
    let name = reader.bytes(name_length)?;
    // whisper.cpp sets memory aside by the head of the file; this ties the head to what is really there.
    if name == EMBEDDING && extents != [size.width, size.vocabulary] {
        return Err(ModelFileError::Damaged(
            "its tensors do not fit its dimensions",
        ));
    }
    reader.skip(tensor_bytes(&extents, kind)?)
}

fn tensor_bytes(extents: &[i32], kind: i32) -> Result<u64, ModelFileError> {
    let (block, bytes) = block_size(kind).ok_or(ModelFileError::Damaged(
        "a tensor has an unknown number format",
    ))?;
    extents
        .iter()
        .try_fold(1u64, |product, &extent| {
            product.checked_mul(u64::try_from(extent).ok()?)
        })
        .filter(|elements| *elements > 0 && elements.is_multiple_of(block))
        .and_then(|elements| (elements / block).checked_mul(bytes))
        .ok_or(ModelFileError::Damaged("a tensor has an impossible size"))
}

/// Numbers in a block and bytes that it takes, by ggml's number of the format.
fn block_size(kind: i32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => return None,
    })
}

struct Reader {
    inner: BufReader<File>,
    length: u64,
}

impl Reader {
    fn u32(&mut self) -> Result<u32, ModelFileError> {
        let mut bytes = [0; 4];
        self.inner.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn i32(&mut self) -> Result<i32, ModelFileError> {
        Ok(self.u32()?.cast_signed())
    }

    fn name(&mut self) -> Result<Vec<u8>, ModelFileError> {
        let length = self.u32()?;
        if length > MAX_NAME {
            return Err(ModelFileError::Damaged("a word is too long"));
        }
        self.bytes(length)
    }

    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, ModelFileError> {
        let mut bytes = vec![0; length as usize];
        self.inner.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Goes `bytes` further; they must be there.
    fn skip(&mut self, bytes: u64) -> Result<(), ModelFileError> {
        let here = self.inner.stream_position()?;
        if self.length.saturating_sub(here) < bytes {
            return Err(ModelFileError::Truncated);
        }
        let step = i64::try_from(bytes).map_err(|_| ModelFileError::Truncated)?;
        self.inner.seek_relative(step)?;
        Ok(())
    }

    fn at_end(&mut self) -> Result<bool, ModelFileError> {
        Ok(self.inner.stream_position()? >= self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny_model::TinyModel;

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_whole_model_passes_and_no_shorter_one_does() {
        let whole = TinyModel::saying(&[" hello"]).to_bytes();
        check(written(&whole).path()).unwrap();
        for length in [0, 3, 4, 30, 60, 5_000, 400_000, whole.len() - 1] {
            let cut = written(&whole[..length]);
            assert!(check(cut.path()).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn foreign_and_damaged_files_are_told_apart() {
        let pdf = written(b"%PDF-1.7 not a model at all");
        assert!(matches!(check(pdf.path()), Err(ModelFileError::BadMagic)));
        let good = TinyModel::saying(&[" hello"]).to_bytes();
        // Vocabulary, width, layers, number format: each would end the process inside whisper.cpp.
        for (number, value) in [
            (1, 59_545),
            (3, 4096),
            (5, 100),
            (9, i32::MIN + 1),
            (11, 4_784_129),
            (11, -335_544_319),
        ] {
            let mut wrong: Vec<u8> = good.clone();
            wrong[4 * number..4 * number + 4].copy_from_slice(&i32::to_le_bytes(value));
            assert!(check(written(&wrong).path()).is_err(), "{number} = {value}");
        }
        assert!(matches!(
            check(Path::new("/nowhere")),
            Err(ModelFileError::Unreadable(_))
        ));
    }
}
