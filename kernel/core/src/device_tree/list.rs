//! A list of bounded length: the tree is read before there is a heap.

/// Up to `N` copies of `T`, in the order they were pushed.
#[derive(Clone, Copy, Debug)]
pub struct List<T, const N: usize> {
    items: [Option<T>; N],
    length: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// An empty list.
    pub const fn new() -> Self {
        List { items: [None; N], length: 0 }
    }

    /// Appends `item`, or says that the list is full.
    #[must_use]
    pub fn push(&mut self, item: T) -> bool {
        match self.items.get_mut(self.length) {
            Some(slot) => {
                *slot = Some(item);
                self.length += 1;
                true
            }
            None => false,
        }
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The item with this index.
    pub fn get(&self, index: usize) -> Option<T> {
        self.items.get(index).copied().flatten()
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.items.iter().copied().map_while(|item| item)
    }

    /// Exchanges two items.
    pub fn swap(&mut self, a: usize, b: usize) {
        if a < self.length && b < self.length {
            self.items.swap(a, b);
        }
    }
}

impl<T: Copy, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self::new()
    }
}
