//! What kind of document it is, by the words such documents carry at their beginning.

use model::{Category, Document};

use super::is_written;

/// Characters in which the words are looked for.
const HEAD: usize = 3_000;
/// How much the words must weigh together.
const ENOUGH: u32 = 3;

/// A kind and its words with their weights: a word that names the kind decides alone, others need company.
type Rule = (&'static str, &'static [(&'static str, u32)]);

const RULES: &[Rule] = &[
    (
        "invoice",
        &[
            ("세금계산서", 3),
            ("거래명세서", 3),
            ("청구서", 3),
            ("invoice", 2),
            ("bill to", 2),
            ("amount due", 2),
            ("공급가액", 2),
            ("subtotal", 1),
            ("due date", 1),
            ("합계금액", 1),
        ],
    ),
    (
        "receipt",
        &[
            ("영수증", 3),
            ("현금영수증", 3),
            ("receipt", 2),
            ("카드번호", 1),
            ("승인번호", 2),
            ("total paid", 2),
            ("thank you for your purchase", 2),
        ],
    ),
    (
        "contract",
        &[
            ("계약서", 3),
            ("약정서", 3),
            ("agreement", 2),
            ("contract", 2),
            ("hereinafter", 2),
            ("갑과 을", 2),
            ("the parties", 1),
        ],
    ),
    (
        "minutes",
        &[
            ("회의록", 3),
            ("minutes of", 3),
            ("meeting minutes", 3),
            ("참석자", 2),
            ("attendees", 2),
            ("agenda", 1),
            ("안건", 1),
            ("action items", 2),
        ],
    ),
    (
        "resume",
        &[
            ("이력서", 3),
            ("자기소개서", 3),
            ("curriculum vitae", 3),
            ("résumé", 2),
            ("work experience", 2),
            ("education", 1),
            ("경력사항", 2),
        ],
    ),
    (
        "report",
        &[
            ("보고서", 3),
            ("annual report", 3),
            ("executive summary", 2),
            ("report", 2),
            ("findings", 1),
            ("결론", 1),
        ],
    ),
    (
        "paper",
        &[
            ("abstract", 2),
            ("초록", 2),
            ("keywords", 1),
            ("introduction", 1),
            ("references", 1),
            ("arxiv", 2),
            ("doi", 1),
        ],
    ),
    (
        "letter",
        &[
            ("dear ", 2),
            ("sincerely", 2),
            ("yours faithfully", 3),
            ("귀하", 1),
            ("드림", 1),
            ("올림", 1),
        ],
    ),
    (
        "manual",
        &[
            ("사용설명서", 3),
            ("매뉴얼", 3),
            ("user manual", 3),
            ("user guide", 3),
            ("installation", 1),
            ("troubleshooting", 2),
        ],
    ),
];

/// The kind of the document; `None` where the words do not tell.
pub(super) fn of(document: &Document, text: &str) -> Option<&'static str> {
    match document.category {
        Category::Note => return Some("note"),
        Category::Audio => return Some("recording"),
        _ if !is_written(document) => return None,
        _ => {}
    }
    let head: String = text.chars().take(HEAD).collect::<String>().to_lowercase();
    let score = |words: &[(&str, u32)]| -> u32 {
        words
            .iter()
            .filter(|(word, _)| head.contains(word))
            .map(|(_, weight)| weight)
            .sum()
    };
    RULES
        .iter()
        .map(|(kind, words)| (score(words), *kind))
        // `max_by_key` takes the last of equals; the list puts the surer kinds first.
        .rev()
        .max_by_key(|(score, _)| *score)
        .filter(|(score, _)| *score >= ENOUGH)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::super::tests::document;
    use super::*;

    #[test]
    fn words_tell_the_kind() {
        let pdf = document("Inbox/a.pdf");
        assert_eq!(of(&pdf, "INVOICE\nBill to: A\nSubtotal 3"), Some("invoice"));
        assert_eq!(of(&pdf, "주간 회의록\n참석자: 김, 이"), Some("minutes"));
        assert_eq!(of(&pdf, "Dear Ann,\n…\nSincerely, Bo"), Some("letter"));
        assert_eq!(of(&pdf, "An invoice came today."), None);
        assert_eq!(of(&pdf, ""), None);
        assert_eq!(of(&document("Recordings/a.mp3"), ""), Some("recording"));
    }
}
