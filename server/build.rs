//! Compiles the server anew when a migration is added: the macro that embeds them does not look for new ones.

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
