//! Links again when the linker script has changed, of which cargo knows
//! nothing: `xtask` names it in the compiler's flags.

fn main() {
    println!("cargo::rerun-if-changed=../../linker/user.ld");
}
