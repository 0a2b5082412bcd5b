//! A whisper model of two megabytes that says one given sentence, whatever it hears.
//!
//! Real weights weigh hundreds of megabytes and cannot be part of the project. This one is made by hand: every token of
//! the sentence points in a direction of its own, and the only layer that computes turns each direction into the next.
//! It runs through all of whisper.cpp: mel spectrum, encoder, language detection, beam search, timestamps.

/// Width of the network; also the number of directions.
const STATE: usize = 32;
const AUDIO_CTX: i32 = 1500;
const TEXT_CTX: i32 = 448;
const MELS: i32 = 80;
const FFT_POINTS: i32 = 201;
/// The multilingual vocabulary, and the part of it that is text.
const VOCABULARY: i32 = 51_865;
const TEXT_TOKENS: i32 = 50_257;
const BLANK: i32 = 220;
/// Where the words of the sentence are put in the vocabulary.
const FIRST_WORD: i32 = 1000;

const END: i32 = 50_257;
const START: i32 = 50_258;
const ENGLISH: i32 = 50_259;
const KOREAN: i32 = 50_264;
const TRANSCRIBE: i32 = 50_359;
/// The token of 0.00 s; each further one stands for 0.02 s more.
const TIME_ZERO: i32 = 50_364;

/// What the model says in every half minute.
#[derive(Clone, Debug)]
pub struct TinyModel {
    words: Vec<Vec<u8>>,
    end_cs: i32,
}

impl TinyModel {
    /// A model that takes everything for Korean (and next for English), and says `tokens` between 0.00 and 1.50 s.
    ///
    /// # Panics
    /// With more than 20 tokens, or an empty one.
    pub fn saying<T: AsRef<[u8]>>(tokens: &[T]) -> Self {
        assert!(tokens.len() <= 20 && tokens.iter().all(|t| !t.as_ref().is_empty()));
        Self {
            words: tokens.iter().map(|t| t.as_ref().to_vec()).collect(),
            end_cs: 150,
        }
    }

    /// The model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(5 << 20);
        self.write_head(&mut out);
        self.write_vocabulary(&mut out);
        self.write_encoder(&mut out);
        self.write_decoder(&mut out);
        out
    }

    fn write_head(&self, out: &mut Vec<u8>) {
        let state = STATE as i32;
        let half_floats = 1;
        let dimensions = [
            VOCABULARY,
            AUDIO_CTX,
            state,
            1,
            1,
            TEXT_CTX,
            state,
            1,
            1,
            MELS,
            half_floats,
        ];
        out.extend(crate::model_file::MAGIC.to_le_bytes());
        put(out, &dimensions);
        put(out, &[MELS, FFT_POINTS]);
        for value in 0..MELS * FFT_POINTS {
            // Each band hears a few points; what exactly does not matter.
            let near = value % FFT_POINTS / 3 == value / FFT_POINTS;
            out.extend(if near { 0.01f32 } else { 0.0 }.to_le_bytes());
        }
    }

    fn write_vocabulary(&self, out: &mut Vec<u8>) {
        put(out, &[TEXT_TOKENS]);
        for token in 0..TEXT_TOKENS {
            let word = self.word(token);
            put(out, &[word.len() as i32]);
            out.extend(word);
        }
    }

    fn word(&self, token: i32) -> Vec<u8> {
        let mine = usize::try_from(token - FIRST_WORD).ok();
        match mine.and_then(|index| self.words.get(index)) {
            Some(word) => word.clone(),
            None if token == BLANK => b" ".to_vec(),
            None => format!("w{token}").into_bytes(),
        }
    }

    /// The tokens in the order they follow each other; the last leads nowhere.
    fn chain(&self) -> Vec<i32> {
        let mut chain = vec![TRANSCRIBE, TIME_ZERO];
        chain.extend((0..self.words.len() as i32).map(|index| FIRST_WORD + index));
        if !self.words.is_empty() {
            chain.push(TIME_ZERO + self.end_cs / 2);
        }
        chain.push(END);
        chain
    }

    fn write_encoder(&self, out: &mut Vec<u8>) {
        tensor(
            out,
            "encoder.positional_embedding",
            &[STATE as i32, AUDIO_CTX],
            false,
            &Fill::Zero,
        );
        for (name, inputs) in [("conv1", MELS), ("conv2", STATE as i32)] {
            let kernel = [3, inputs, STATE as i32];
            tensor(
                out,
                &format!("encoder.{name}.weight"),
                &kernel,
                true,
                &Fill::Zero,
            );
            tensor(
                out,
                &format!("encoder.{name}.bias"),
                &[1, STATE as i32],
                false,
                &Fill::Zero,
            );
        }
        norm(out, "encoder.ln_post", 1.0);
        block(out, "encoder.blocks.0", &Fill::Zero, &Fill::Zero);
    }

    fn write_decoder(&self, out: &mut Vec<u8>) {
        let chain = self.chain();
        let directions = chain.len();
        // Two more directions: the start, which leads to the languages.
        let (start, languages) = (directions, directions + 1);
        let mut embedding: Vec<(i32, usize, f32)> = chain
            .iter()
            .enumerate()
            .map(|(direction, &token)| (token, direction, 4.0))
            .collect();
        embedding.extend([
            (START, start, 4.0),
            (KOREAN, languages, 4.0),
            (ENGLISH, languages, 2.0),
        ]);
        let embedding = Fill::At(
            embedding
                .iter()
                .map(|&(t, d, v)| (t as usize * STATE + d, v))
                .collect(),
        );

        tensor(
            out,
            "decoder.positional_embedding",
            &[STATE as i32, TEXT_CTX],
            false,
            &Fill::Zero,
        );
        tensor(
            out,
            "decoder.token_embedding.weight",
            &[STATE as i32, VOCABULARY],
            true,
            &embedding,
        );
        norm(out, "decoder.ln", 1.0);
        let spread = Fill::At((0..STATE).map(|i| (i * STATE + i, 1.0)).collect());
        let next = |from: usize, to: usize| (to * 4 * STATE + from, 8.0);
        let mut steps: Vec<_> = (1..directions).map(|to| next(to - 1, to)).collect();
        steps.push(next(start, languages));
        block(out, "decoder.blocks.0", &spread, &Fill::At(steps));
        attention(out, "decoder.blocks.0.cross_attn");
        norm(out, "decoder.blocks.0.cross_attn_ln", 1.0);
    }
}

/// The content of a tensor: nothing, one value everywhere, or some values at places counted in elements.
enum Fill {
    Zero,
    All(f32),
    At(Vec<(usize, f32)>),
}

/// A layer without attention: its two inner matrices are given.
fn block(out: &mut Vec<u8>, name: &str, first: &Fill, second: &Fill) {
    let (state, wide) = (STATE as i32, 4 * STATE as i32);
    norm(out, &format!("{name}.mlp_ln"), 1.0);
    tensor(
        out,
        &format!("{name}.mlp.0.weight"),
        &[state, wide],
        true,
        first,
    );
    tensor(
        out,
        &format!("{name}.mlp.0.bias"),
        &[wide],
        false,
        &Fill::Zero,
    );
    tensor(
        out,
        &format!("{name}.mlp.2.weight"),
        &[wide, state],
        true,
        second,
    );
    tensor(
        out,
        &format!("{name}.mlp.2.bias"),
        &[state],
        false,
        &Fill::Zero,
    );
    norm(out, &format!("{name}.attn_ln"), 1.0);
    attention(out, &format!("{name}.attn"));
}

fn attention(out: &mut Vec<u8>, name: &str) {
    let state = STATE as i32;
    for part in ["query", "key", "value", "out"] {
        tensor(
            out,
            &format!("{name}.{part}.weight"),
            &[state, state],
            true,
            &Fill::Zero,
        );
        if part != "key" {
            tensor(
                out,
                &format!("{name}.{part}.bias"),
                &[state],
                false,
                &Fill::Zero,
            );
        }
    }
}

fn norm(out: &mut Vec<u8>, name: &str, weight: f32) {
    tensor(
        out,
        &format!("{name}.weight"),
        &[STATE as i32],
        false,
        &Fill::All(weight),
    );
    tensor(
        out,
        &format!("{name}.bias"),
        &[STATE as i32],
        false,
        &Fill::Zero,
    );
}

/// One tensor: head, extents, name, numbers (half or whole floats).
fn tensor(out: &mut Vec<u8>, name: &str, extents: &[i32], half: bool, fill: &Fill) {
    put(
        out,
        &[extents.len() as i32, name.len() as i32, i32::from(half)],
    );
    put(out, extents);
    out.extend(name.as_bytes());
    let elements: usize = extents.iter().map(|&extent| extent as usize).product();
    let width = if half { 2 } else { 4 };
    let start = out.len();
    out.resize(start + elements * width, 0);
    let mut set = |element: usize, value: f32| {
        let at = start + element * width;
        match half {
            true => out[at..at + 2].copy_from_slice(&half_float(value).to_le_bytes()),
            false => out[at..at + 4].copy_from_slice(&value.to_le_bytes()),
        }
    };
    match fill {
        Fill::Zero => {}
        Fill::All(value) => (0..elements).for_each(|element| set(element, *value)),
        Fill::At(places) => places
            .iter()
            .for_each(|&(element, value)| set(element, value)),
    }
}

/// A half float of a number that needs no rounding (small powers of two).
fn half_float(value: f32) -> u16 {
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 0xff) - 112;
    (exponent << 10 | bits >> 13 & 0x3ff) as u16
}

fn put(out: &mut Vec<u8>, numbers: &[i32]) {
    numbers
        .iter()
        .for_each(|number| out.extend(number.to_le_bytes()));
}
