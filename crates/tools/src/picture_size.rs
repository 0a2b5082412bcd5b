//! How many pixels a picture has, read off the first bytes that say so. It only decides how long OCR may take, so a file that lies
//! gains nothing but time.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Where a picture does not tell its size: pixels of a byte, as in a photograph that is compressed well.
const PIXELS_PER_BYTE: f64 = 10.0;

/// Parts of a JPEG, or pages of a TIFF, that are looked through.
const MOST_PARTS: usize = 10_000;

/// A million pixels, over all pages. A picture that does not tell is judged by its megabytes.
pub(crate) async fn megapixels(path: &Path, megabytes: f64) -> f64 {
    let path: PathBuf = path.to_owned();
    let told = tokio::task::spawn_blocking(move || pixels(&mut BufReader::new(File::open(path)?)));
    match told.await {
        Ok(Ok(pixels)) if pixels > 0 => pixels as f64 / 1e6,
        _ => megabytes * PIXELS_PER_BYTE,
    }
}

fn pixels(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut head = Vec::new();
    file.by_ref().take(32).read_to_end(&mut head)?;
    // No kind of picture is told by less, and then every place below is inside.
    head.resize(32, 0);
    let le16 = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
    match &head[..] {
        [0x89, b'P', b'N', b'G', ..] => Ok(be32(&head[16..]) * be32(&head[20..])),
        [b'G', b'I', b'F', ..] => Ok(le16(6) * le16(8)),
        // A negative height means that the rows begin at the top.
        [b'B', b'M', ..] => {
            Ok(le32(&head[18..]) * u64::from((le32(&head[22..]) as i32).unsigned_abs()))
        }
        [0xff, 0xd8, ..] => jpeg(file),
        [b'I', b'I', 42, 0, ..] => tiff(file, le32),
        [b'M', b'M', 0, 42, ..] => tiff(file, be32),
        _ => Ok(0),
    }
}

fn le32(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |four| u64::from(u32::from_le_bytes(*four)))
}

fn be32(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |four| u64::from(u32::from_be_bytes(*four)))
}

/// Goes from part to part until one begins a frame.
fn jpeg(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut at = 2;
    for _ in 0..MOST_PARTS {
        file.seek(SeekFrom::Start(at))?;
        let mut part = [0; 9];
        file.read_exact(&mut part)?;
        let [marker, length @ ..] = &part[1..4] else {
            break;
        };
        // C4, C8 and CC are tables among the frames' numbers.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Ok(be16(&part[5..]) * be16(&part[7..]));
        }
        at += 2 + be16(length);
    }
    Ok(0)
}

fn be16(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |two| u64::from(u16::from_be_bytes(*two)))
}

/// The pixels of all pages, `int` reading four bytes in the file's order.
fn tiff(file: &mut (impl Read + Seek), int: fn(&[u8]) -> u64) -> io::Result<u64> {
    let mut pixels: u64 = 0;
    let mut at = read_int(file, 4, int)?;
    for _ in 0..MOST_PARTS {
        if at == 0 {
            break;
        }
        let count = short(read_int(file, at, int)?, int);
        let mut entries = vec![0; count as usize * 12];
        file.seek(SeekFrom::Start(at + 2))?;
        file.read_exact(&mut entries)?;
        let value = |tag: u64| {
            let found = entries
                .chunks_exact(12)
                .find(|e| short(int(e), int) == tag)?;
            let (kind, value) = (short(int(&found[2..]), int), int(&found[8..]));
            // Of 16 or of 32 bits.
            Some(if kind == 3 { short(value, int) } else { value })
        };
        let page = value(256)
            .unwrap_or(0)
            .saturating_mul(value(257).unwrap_or(0));
        pixels = pixels.saturating_add(page);
        at = read_int(file, at + 2 + count * 12, int)?;
    }
    Ok(pixels)
}

/// The first two of four bytes that were read as one number.
fn short(four: u64, int: fn(&[u8]) -> u64) -> u64 {
    let is_little = int(&[1, 0, 0, 0]) == 1;
    if is_little { four & 0xffff } else { four >> 16 }
}

fn read_int(file: &mut (impl Read + Seek), at: u64, int: fn(&[u8]) -> u64) -> io::Result<u64> {
    let mut four = [0; 4];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut four)?;
    Ok(int(&four))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        pixels(&mut Cursor::new(bytes)).unwrap_or(0)
    }

    #[test]
    fn the_simple_kinds_tell_it_at_their_head() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x0b\xb8\0\0\x07\xd0\x08\0\0\0\0";
        assert_eq!(of(png), 3000 * 2000);
        assert_eq!(of(b"GIF89a\x40\x01\xf0\0"), 320 * 240);
        let mut bmp = [0; 54];
        bmp[..2].copy_from_slice(b"BM");
        bmp[18..22].copy_from_slice(&640_i32.to_le_bytes());
        bmp[22..26].copy_from_slice(&(-480_i32).to_le_bytes());
        assert_eq!(of(&bmp), 640 * 480);
    }

    #[test]
    fn a_jpeg_tells_it_behind_whatever_comes_first() {
        let mut jpeg = b"\xff\xd8\xff\xe1\0\x42".to_vec();
        jpeg.extend([0; 64]);
        jpeg.extend(b"\xff\xc4\0\x02\xff\xc2\0\x11\x08\x10\0\x20\0\x03");
        assert_eq!(of(&jpeg), 4096 * 8192);
        assert_eq!(of(&jpeg[..40]), 0);
    }

    #[test]
    fn the_pages_of_a_tiff_add_up_in_both_orders() {
        let page = |next: u32, width: u16, height: u32, big: bool| {
            let (s, l) = (
                |n: u16| {
                    if big {
                        n.to_be_bytes()
                    } else {
                        n.to_le_bytes()
                    }
                },
                |n: u32| {
                    if big {
                        n.to_be_bytes()
                    } else {
                        n.to_le_bytes()
                    }
                },
            );
            let mut page = s(2).to_vec();
            page.extend([s(256), s(3)].concat());
            page.extend(l(1));
            page.extend([s(width), s(0)].concat());
            page.extend([s(257), s(4)].concat());
            page.extend([l(1), l(height), l(next)].concat());
            page
        };
        for (head, big) in [
            (b"II\x2a\0\x08\0\0\0", false),
            (b"MM\0\x2a\0\0\0\x08", true),
        ] {
            let mut file = head.to_vec();
            file.extend(page(38, 100, 50, big));
            file.extend(page(0, 10, 20, big));
            assert_eq!(of(&file), 5000 + 200, "big: {big}");
            let mut endless = head.to_vec();
            endless.extend(page(8, 100, 50, big));
            assert_eq!(of(&endless), 5000 * MOST_PARTS as u64);
        }
    }

    #[test]
    fn what_is_cut_off_or_no_picture_tells_nothing() {
        for bytes in [
            &b""[..],
            b"BM",
            b"II\x2a\0\xff\xff\xff\xff",
            b"\xff\xd8\xff",
            b"hello",
        ] {
            assert_eq!(of(bytes), 0, "{bytes:?}");
        }
    }
}
