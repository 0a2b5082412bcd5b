//! Builds the crate again when the web app was built again. A debug build reads the app's files when it runs.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if !cfg!(debug_assertions) {
        println!("cargo:rerun-if-changed=../../web/build");
    }
}
