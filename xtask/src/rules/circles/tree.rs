//! The modules of one crate, and where a path leads.
use std::collections::{BTreeMap, BTreeSet};

use super::path::{self, Names, Path};
use crate::rules::source::Source;

/// Re-exports that one name may pass through; more would be a circle of
/// re-exports, which the compiler refuses.
const MOST_STEPS: usize = 32;

/// A module: the names on the way to it from the root of the crate.
type Module = Vec<String>;

/// One crate: what each of its files says, and which file each module is in.
pub struct Tree<'a> {
    /// The files, each with the module that it is.
    pub files: BTreeMap<Module, (&'a Source, Names)>,
    /// Modules with a body inside of a file.
    inline: BTreeSet<Module>,
}

impl<'a> Tree<'a> {
    /// The tree of the crate with the root file `root`. A `main.rs` beside a
    /// `lib.rs` is a crate of one file: the modules are the library's.
    pub fn new(root: &str, sources: &'a [Source]) -> Tree<'a> {
        let mut tree = Tree { files: BTreeMap::new(), inline: BTreeSet::new() };
        let folder = root.rsplit_once('/').map_or("", |parts| parts.0);
        let library = format!("{folder}/lib.rs");
        let has_library =
            root != library && sources.iter().any(|s| s.path == library);
        for source in sources.iter().filter(|source| source.is_rust()) {
            if source.path == root {
                tree.add(Module::new(), source);
            } else if let Some(module) = module_below(folder, &source.path)
                && !has_library
            {
                tree.add(module, source);
            }
        }
        tree
    }

    fn add(&mut self, module: Module, source: &'a Source) {
        let names = path::read(&source.code);
        for inline in &names.inline {
            self.inline.insert([&module[..], inline].concat());
        }
        self.files.insert(module, (source, names));
    }

    /// The file that `path`, found in the file of module `from`, takes its
    /// name from. `None` for other crates' names and for modules alone.
    pub fn definer(&self, from: &[String], path: &Path) -> Option<&Module> {
        let place = [from, &path.inside].concat();
        self.resolve(&place, &path.words, MOST_STEPS)
    }

    fn resolve(
        &self,
        place: &[String],
        words: &[String],
        steps: usize,
    ) -> Option<&Module> {
        let steps = steps.checked_sub(1)?;
        let (mut module, mut rest) = self.start(place, words, steps)?;
        while let [first, after @ ..] = rest {
            let inner = [&module[..], std::slice::from_ref(first)].concat();
            if self.is_module(&inner) {
                (module, rest) = (inner, after);
                continue;
            }
            return match self.bound(&module, first) {
                Some(path) => {
                    let words = [&path.words[..], after].concat();
                    self.resolve(&module, &words, steps)
                }
                None => self.file_of(&module),
            };
        }
        None
    }

    /// Where a path begins, and what of it is left.
    fn start<'w>(
        &self,
        place: &[String],
        words: &'w [String],
        steps: usize,
    ) -> Option<(Module, &'w [String])> {
        let (first, rest) = words.split_first()?;
        match first.as_str() {
            "crate" => Some((Module::new(), rest)),
            "self" => Some((place.to_vec(), rest)),
            "super" => {
                let mut module = place.to_vec();
                module.pop()?;
                let supers =
                    rest.iter().take_while(|word| *word == "super").count();
                for _ in 0..supers {
                    module.pop()?;
                }
                Some((module, &rest[supers..]))
            }
            _ => {
                let inner = [place, std::slice::from_ref(first)].concat();
                if self.is_module(&inner) {
                    return Some((inner, rest));
                }
                let path = self.bound(place, first)?;
                let is_same = path.words.first() == Some(first);
                if is_same || steps == 0 {
                    return None;
                }
                let module = self.module(place, &path.words, steps)?;
                Some((module, rest))
            }
        }
    }

    /// The module that `words` name as seen from `place`, if they name one.
    fn module(
        &self,
        place: &[String],
        words: &[String],
        steps: usize,
    ) -> Option<Module> {
        let steps = steps.checked_sub(1)?;
        let (mut module, rest) = self.start(place, words, steps)?;
        for (at, word) in rest.iter().enumerate() {
            let inner = [&module[..], std::slice::from_ref(word)].concat();
            if self.is_module(&inner) {
                module = inner;
                continue;
            }
            let path = self.bound(&module, word)?;
            let words = [&path.words[..], &rest[at + 1..]].concat();
            return self.module(&module, &words, steps);
        }
        Some(module)
    }

    fn is_module(&self, module: &[String]) -> bool {
        self.files.contains_key(module) || self.inline.contains(module)
    }

    /// The path behind a name that a `use` in `module` binds.
    fn bound(&self, module: &[String], name: &str) -> Option<&Path> {
        let file = self.file_of(module)?;
        let inside = module[file.len()..].to_vec();
        self.files[file].1.bound.get(&(inside, name.to_owned()))
    }

    /// The module that is a file around `module`.
    fn file_of(&self, module: &[String]) -> Option<&Module> {
        (0..=module.len()).rev().find_map(|end| {
            self.files.get_key_value(&module[..end]).map(|found| found.0)
        })
    }
}

/// The module that the file at `path` is, for a root in `folder`.
fn module_below(folder: &str, path: &str) -> Option<Module> {
    let inner = path.strip_prefix(folder)?.strip_prefix('/')?;
    let name = inner.strip_suffix(".rs")?;
    let is_root = matches!(name, "lib" | "main");
    (!is_root).then(|| name.split('/').map(str::to_owned).collect())
}
