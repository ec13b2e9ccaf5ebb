//! Compiles the server anew when a migration is added: the macro that embeds them does not look for new ones.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
