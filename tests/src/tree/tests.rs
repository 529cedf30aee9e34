//! A property lands in the nodes it is meant for, and nothing else moves.
use super::{nodes, with_words, word};

/// A root with two CPUs and a node beside them.
fn tree() -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    };
    let structure = [
        words(&[1, 0, 1]),
        b"cpu@0\0\0\0".to_vec(),
        words(&[3, 4, 0, 7, 2, 4, 1]),
        b"cpu@1\0\0\0".to_vec(),
        words(&[2, 1]),
        b"bus\0".to_vec(),
        words(&[2, 2, 9]),
    ]
    .concat();
    let size = u32::try_from(structure.len()).unwrap();
    let header = [0xd00d_feed, 44 + size, 40, 40 + size, 0, 17, 16, 0, 4, size];
    [words(&header), structure, b"reg\0".to_vec()].concat()
}

#[test]
fn each_node_gets_its_value() {
    let new = with_words(&tree(), "cpu@", "speed", &[0xaa, 0xbb]).unwrap();
    assert_eq!(word(&new, 4).unwrap(), new.len());
    assert_eq!(new.len(), tree().len() + 2 * 16 + 6);
    assert!(new.ends_with(b"reg\0speed\0"));
    let structure = &new[40..];
    let values = nodes(structure, "cpu@").unwrap().into_iter().map(|at| {
        let field = |offset| word(structure, at + offset).unwrap();
        (field(0), field(4), field(8), field(12))
    });
    let expected = [(3, 4, 4, 0xaa), (3, 4, 4, 0xbb)];
    assert_eq!(values.collect::<Vec<_>>(), expected);
    assert_eq!(nodes(structure, "bus").unwrap().len(), 1);
}

#[test]
fn nodes_and_values_must_be_as_many() {
    assert!(with_words(&tree(), "cpu@", "speed", &[1]).is_err());
    assert!(with_words(&tree(), "cpu@", "speed", &[1, 2, 3]).is_err());
    assert!(with_words(&tree()[..50], "cpu@", "speed", &[1, 2]).is_err());
}
