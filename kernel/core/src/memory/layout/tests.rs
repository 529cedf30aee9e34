//! What is not RAM is never mapped or free, whatever the tree says.
