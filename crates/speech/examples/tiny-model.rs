//! Writes a tiny model that says the given words: `cargo run -p seogo-speech --features tiny-model --example tiny-model -- FILE WORD…`

use speech::tiny_model::TinyModel;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: tiny-model FILE WORD…");
        std::process::exit(2);
    };
    let words: Vec<String> = arguments.map(|word| format!(" {word}")).collect();
    std::fs::write(file, TinyModel::saying(&words).to_bytes())
}
