//! The choice of a compiler, as a function of what the machine has.

/// A way to compile for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The cargo on `PATH`, which has the target's library.
    Rustup,
    /// The distribution's cargo, which builds the library from source.
    Distribution,
}

impl Way {
    /// Reads the value of `FIRN_TOOLCHAIN`.
    pub fn from_name(name: &str) -> Option<Way> {
        match name {
            "rustup" => Some(Way::Rustup),
            "distribution" => Some(Way::Distribution),
            _ => None,
        }
    }
}

/// What the machine has, as far as the choice depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `FIRN_TOOLCHAIN` allows only this way.
    pub forced: Option<Way>,
    /// The compiler on `PATH` has the target's library.
    pub has_target: bool,
    /// There is a `rustup` to ask for it.
    pub has_rustup: bool,
    /// `rustup target add` has failed with this compiler.
    pub target_refused: bool,
    /// The distribution's compiler, library source and linker are there.
    pub has_distribution: bool,
    /// We are root on a machine with `apt-get`.
    pub can_install: bool,
    /// `apt-get` has run and the compiler is still not usable.
    pub install_failed: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Compile this way.
    Use(Way),
    /// Run `rustup target add`, then choose again.
    AddTarget,
    /// Install the distribution's compiler, then choose again.
    InstallDistribution,
    /// Nothing works; the text says what a person can do.
    GiveUp(&'static str),
}

impl Step {
    /// The step in words that follow "would".
    pub fn describe(self) -> &'static str {
        match self {
            Step::Use(_) => "compile",
            Step::AddTarget => "run `rustup target add` for the target",
            Step::InstallDistribution => {
                "install the distribution's Rust compiler with apt-get"
            }
            Step::GiveUp(why) => why,
        }
    }
}

/// Decides what to do next on a machine with these facts.
#[must_use]
pub fn next_step(facts: &Facts) -> Step {
    let rustup = facts.forced != Some(Way::Distribution);
    let distribution = facts.forced != Some(Way::Rustup);
    if rustup && facts.has_target {
        Step::Use(Way::Rustup)
    } else if rustup && facts.has_rustup && !facts.target_refused {
        Step::AddTarget
    } else if distribution && facts.has_distribution {
        Step::Use(Way::Distribution)
    } else if distribution && facts.can_install && !facts.install_failed {
        Step::InstallDistribution
    } else {
        Step::GiveUp(advice(distribution))
    }
}

fn advice(distribution: bool) -> &'static str {
    if distribution {
        "no compiler for the target: run `rustup target add \
         aarch64-unknown-none-softfloat`, or as root `apt-get install \
         rustc-web cargo-web rust-web-src lld`"
    } else {
        "FIRN_TOOLCHAIN=rustup, but the compiler on PATH lacks the target \
         aarch64-unknown-none-softfloat and rustup could not add it"
    }
}
