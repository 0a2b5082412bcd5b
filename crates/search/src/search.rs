//! Answers a query: documents by their heads, then the best passage of each.

use model::{Category, DocumentId};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur,
    PhrasePrefixQuery, PhraseQuery, Query as TantivyQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption, TantivyDocument, Value};
use tantivy::{DocAddress, Searcher, Term};

use crate::needle::Needle;
use crate::plan::{Clause, Plan, Step};
use crate::query::{Hit, Hits, MAX_HITS, MAX_OFFSET, Mode, Query};
use crate::schema::{HEAD, PASSAGE};
use crate::snippet::{Snippet, snippet};
use crate::steady::Steady;
use crate::{SearchError, SearchIndex};

type Boxed = Box<dyn TantivyQuery>;

/// What a word counts more for standing in the title, the tags, the file name, against 1 for being there at all.
const TITLE_WEIGHT: f32 = 1.0;
const TAGS_WEIGHT: f32 = 1.0;
const NAME_WEIGHT: f32 = 0.5;

/// How much the lesser forms of a word add to its best one.
const TIE_BREAKER: f32 = 0.3;

/// Words that the end of a phrase may be completed to.
const MAX_EXPANSIONS: u32 = 1000;

/// Of the words of a search that finds nothing as it is, one in so many must be there.
const LOOSE_PART: usize = 8;

impl SearchIndex {
    /// Finds documents. Whatever was typed is no error; an empty text finds nothing.
    ///
    /// # Errors
    /// [`SearchError::NoEmbeddingModel`] for [`Mode::Semantic`]; the index cannot be read.
    pub fn search(&self, query: &Query) -> Result<Hits, SearchError> {
        if query.mode == Mode::Semantic {
            return Err(SearchError::NoEmbeddingModel);
        }
        let found = self.search_words(query);
        if found.as_ref().is_err_and(SearchError::is_corrupt) {
            self.mark_damaged();
        }
        found
    }

    fn search_words(&self, query: &Query) -> Result<Hits, SearchError> {
        let plan = Plan::new(&query.text);
        let searcher = self.searcher();
        for step in &plan.steps {
            let (total, found) = self.find(&searcher, step, &plan.not, query)?;
            if total > 0 {
                let clauses = step.clauses();
                let hits = found
                    .into_iter()
                    .map(|head| self.hit(&searcher, &clauses, head));
                return Ok(Hits {
                    hits: hits.collect::<Result<_, _>>()?,
                    total,
                });
            }
        }
        Ok(Hits::default())
    }

    /// The number of documents of that step, and the asked-for part of their heads.
    fn find(
        &self,
        searcher: &Searcher,
        step: &Step,
        not: &[Needle],
        query: &Query,
    ) -> Result<(usize, Vec<(f32, DocAddress)>), SearchError> {
        let limit = query.limit.clamp(1, MAX_HITS);
        let top = TopDocs::with_limit(limit)
            .and_offset(query.offset.min(MAX_OFFSET))
            .order_by_score();
        let heads = self.heads_query(step, not, &query.categories);
        let statistics = Statistics::of(searcher, &self.fields.is_kind(HEAD))?;
        let (total, mut found) =
            searcher.search_with_statistics_provider(&heads, &(Count, top), &statistics)?;
        if query.offset > MAX_OFFSET {
            found.clear();
        }
        Ok((total, found))
    }

    fn heads_query(&self, step: &Step, not: &[Needle], categories: &[Category]) -> BooleanQuery {
        let mut parts: Vec<(Occur, Boxed)> = Vec::new();
        for clause in &step.must {
            parts.push((Occur::Must, clause_query(self.fields.body, clause, 1.0)));
            parts.extend(self.extra(clause));
        }
        parts.extend(self.some(step));
        let not = not
            .iter()
            .map(|needle| needle_query(self.fields.body, needle, 1.0));
        parts.extend(not.map(|needle| (Occur::MustNot, needle)));
        if !categories.is_empty() {
            let terms = categories
                .iter()
                .map(|category| Term::from_field_text(self.fields.category, category.as_str()));
            let any = terms
                .map(|term| (Occur::Should, term_query(term)))
                .collect();
            parts.push((Occur::Must, filter(Box::new(BooleanQuery::new(any)))));
        }
        BooleanQuery::new(parts)
    }

    /// What a word counts more for standing in the title, the tags, the name.
    fn extra<'a>(&'a self, clause: &'a Clause) -> impl Iterator<Item = (Occur, Boxed)> + 'a {
        let fields = [
            (self.fields.title, TITLE_WEIGHT),
            (self.fields.tags, TAGS_WEIGHT),
            (self.fields.name, NAME_WEIGHT),
        ];
        fields
            .into_iter()
            .map(|(field, weight)| (Occur::Should, clause_query(field, clause, weight)))
    }

    /// The words of which some must be there. Next to a phrase, which must be there, they only add to the score. The title
    /// counts no more than the text here: of many words some stand in every title.
    fn some(&self, step: &Step) -> Option<(Occur, Boxed)> {
        let needles = step
            .some
            .iter()
            .map(|needle| needle_query(self.fields.body, needle, 1.0));
        let some: Vec<_> = needles.map(|needle| (Occur::Should, needle)).collect();
        let least = some.len().div_ceil(LOOSE_PART);
        match (some.is_empty(), step.must.is_empty()) {
            (true, _) => None,
            (false, true) => Some((
                Occur::Must,
                Box::new(BooleanQuery::with_minimum_required_clauses(some, least)),
            )),
            (false, false) => Some((Occur::Should, Box::new(BooleanQuery::new(some)))),
        }
    }

    fn hit(
        &self,
        searcher: &Searcher,
        clauses: &[Clause],
        (score, head): (f32, DocAddress),
    ) -> Result<Hit, SearchError> {
        let head: TantivyDocument = searcher.doc(head)?;
        let document_id = text_of(&head, self.fields.document_id);
        let place = self.best_place(searcher, clauses, &document_id)?;
        Ok(Hit {
            document_id: DocumentId(document_id),
            title: text_of(&head, self.fields.title),
            // The index is written from the same type.
            category: text_of(&head, self.fields.category)
                .parse()
                .unwrap_or(Category::Document),
            snippet: place.snippet,
            score,
            page: place.page,
            start_s: place.start_s,
        })
    }

    fn best_place(
        &self,
        searcher: &Searcher,
        clauses: &[Clause],
        document_id: &str,
    ) -> Result<Place, SearchError> {
        let whose = self.fields.of_document(document_id);
        let Some(address) = self.best_passage(searcher, clauses, whose)? else {
            return Ok(Place::default());
        };
        let passage: TantivyDocument = searcher.doc(address)?;
        let shown = snippet(&text_of(&passage, self.fields.text), clauses);
        if shown.first_match.is_none() {
            // Found by its title or its name: there is no place to open.
            return Ok(Place {
                snippet: shown.html,
                ..Place::default()
            });
        }
        Ok(Place {
            page: passage
                .get_first(self.fields.page)
                .and_then(|value| value.as_i64()),
            start_s: self.second_of(&passage, &shown),
            snippet: shown.html,
        })
    }

    /// The passage that matches best; the first where none does.
    fn best_passage(
        &self,
        searcher: &Searcher,
        clauses: &[Clause],
        whose: Term,
    ) -> Result<Option<DocAddress>, SearchError> {
        let mut parts = vec![
            (Occur::Must, filter(term_query(whose))),
            (
                Occur::Must,
                filter(term_query(self.fields.is_kind(PASSAGE))),
            ),
        ];
        for clause in clauses {
            parts.push((Occur::Should, clause_query(self.fields.text, clause, 1.0)));
        }
        let statistics = Statistics::of(searcher, &self.fields.is_kind(PASSAGE))?;
        let first = TopDocs::with_limit(1).order_by_score();
        let found = searcher.search_with_statistics_provider(
            &BooleanQuery::new(parts),
            &first,
            &statistics,
        )?;
        Ok(found.first().map(|(_, address)| *address))
    }

    /// The second at which the line with the first match begins.
    fn second_of(&self, passage: &TantivyDocument, shown: &Snippet) -> Option<f64> {
        let lines: Vec<(usize, f64)> =
            serde_json::from_str(&text_of(passage, self.fields.lines)).unwrap_or_default();
        let line = lines
            .iter()
            .rev()
            .find(|(start, _)| Some(*start) <= shown.first_match);
        let start_s = passage
            .get_first(self.fields.start_s)
            .and_then(|value| value.as_f64());
        line.map(|(_, second)| *second).or(start_s)
    }
}

/// Where in a document a match lies.
#[derive(Default)]
struct Place {
    snippet: String,
    page: Option<i64>,
    start_s: Option<f64>,
}

/// Counts for scoring that see only heads, or only passages: the other kind would blur how rare a word is.
struct Statistics<'a> {
    searcher: &'a Searcher,
    documents: u64,
}

impl<'a> Statistics<'a> {
    fn of(searcher: &'a Searcher, kind: &Term) -> Result<Self, SearchError> {
        Ok(Self {
            searcher,
            documents: searcher.doc_freq(kind)?.max(1),
        })
    }
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.searcher.total_num_tokens(field)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.documents)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        // More documents with a word than documents would be a panic in the scorer.
        Ok(self.searcher.doc_freq(term)?.min(self.documents))
    }
}

/// The best of the clause's forms, and a little of the others.
fn clause_query(field: Field, clause: &Clause, weight: f32) -> Boxed {
    let forms = clause
        .iter()
        .map(|needle| needle_query(field, needle, weight))
        .collect();
    Box::new(DisjunctionMaxQuery::with_tie_breaker(forms, TIE_BREAKER))
}

fn needle_query(field: Field, needle: &Needle, weight: f32) -> Boxed {
    let mut terms: Vec<_> = needle
        .terms
        .iter()
        .map(|(at, term)| (*at, Term::from_field_text(field, term)))
        .collect();
    let query: Boxed = if needle.prefix {
        let mut query = PhrasePrefixQuery::new_with_offset(terms);
        query.set_max_expansions(MAX_EXPANSIONS);
        Box::new(Steady::new(query))
    } else if terms.len() == 1 {
        term_query(terms.remove(0).1)
    } else {
        Box::new(Steady::new(PhraseQuery::new_with_offset(terms)))
    };
    Box::new(BoostQuery::new(query, weight * needle.weight))
}

fn term_query(term: Term) -> Boxed {
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

/// Decides what is found and has no say in its score.
fn filter(query: Boxed) -> Boxed {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn text_of(document: &TantivyDocument, field: Field) -> String {
    document
        .get_first(field)
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}
