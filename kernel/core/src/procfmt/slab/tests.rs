use super::{Cache, render_header};

#[test]
fn a_cache_is_a_line_under_a_header() {
    let mut out = Vec::new();
    render_header(&mut out);
    let name = "kmalloc-64";
    let (used, total) = (5, 128);
    Cache { name, used, total, size: 64, per_slab: 64, slabs: 2 }
        .render(&mut out);
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "slabinfo - version: 2.1");
    assert!(lines[1].starts_with("# name "));
    let words: Vec<_> = lines[2].split_whitespace().collect();
    assert_eq!(words[..6], ["kmalloc-64", "5", "128", "64", "64", "1"]);
    assert_eq!(words[6..11], [":", "tunables", "0", "0", "0"]);
    assert_eq!(words[11..], [":", "slabdata", "2", "2", "0"]);
}
