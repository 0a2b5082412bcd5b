//! One byte range of a request (RFC 9110, section 14).

/// What a `Range` header asks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: no range, one this server does not know, or several at once.
    Whole,
    /// The bytes from `first` to `last`, both within the file.
    Part {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// Bytes that the file does not have.
    Unsatisfiable,
}

/// Reads the header for a file of `size` bytes.
pub(crate) fn parse(header: &str, size: u64) -> Asked {
    let Some((unit, set)) = header.split_once('=') else {
        return Asked::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Asked::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return Asked::Whole;
    };
    match (number(first), number(last)) {
        (Bound::Open, Bound::At(count)) => suffix(count, size),
        (Bound::At(first), Bound::Open) => part(first, u64::MAX, size),
        (Bound::At(first), Bound::At(last)) if first <= last => part(first, last, size),
        _ => Asked::Whole,
    }
}

enum Bound {
    Open,
    At(u64),
    Invalid,
}

fn number(text: &str) -> Bound {
    let text = text.trim();
    if text.is_empty() {
        return Bound::Open;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Bound::Invalid;
    }
    // More digits than fit lie beyond the end of any file.
    Bound::At(text.parse().unwrap_or(u64::MAX))
}

fn part(first: u64, last: u64, size: u64) -> Asked {
    if first >= size {
        return Asked::Unsatisfiable;
    }
    let last = last.min(size - 1);
    Asked::Part { first, last }
}

fn suffix(count: u64, size: u64) -> Asked {
    if count == 0 || size == 0 {
        return Asked::Unsatisfiable;
    }
    part(size.saturating_sub(count), u64::MAX, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn bytes(first: u64, last: u64) -> Asked {
        Asked::Part { first, last }
    }

    #[test]
    fn ranges_within_the_file() {
        assert_eq!(parse("bytes=0-0", 10), bytes(0, 0));
        assert_eq!(parse("bytes=2-5", 10), bytes(2, 5));
        assert_eq!(parse("bytes=2-", 10), bytes(2, 9));
        assert_eq!(parse("bytes=2-99", 10), bytes(2, 9));
        assert_eq!(parse("bytes=-3", 10), bytes(7, 9));
        assert_eq!(parse("bytes=-99", 10), bytes(0, 9));
        assert_eq!(parse("Bytes = 1-2", 10), bytes(1, 2));
    }

    #[test]
    fn ranges_beyond_the_file() {
        assert_eq!(parse("bytes=10-", 10), Asked::Unsatisfiable);
        assert_eq!(parse("bytes=-0", 10), Asked::Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Asked::Unsatisfiable);
        let huge = "bytes=99999999999999999999999-";
        assert_eq!(parse(huge, 10), Asked::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_gets_the_whole() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(parse(header, 10), Asked::Whole, "{header}");
        }
    }
}
