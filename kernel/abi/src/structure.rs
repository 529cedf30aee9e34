//! How structures of Linux's are written down here: each with its size, as C
//! lays it out, and readable and writable as bytes.

/// Makes a structure of plain numbers, all of them public, that has so many
/// bytes; further attributes stand above its name.
macro_rules! structure {
    ($(#[$attribute:meta])* $name:ident $size:literal {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty,)*
    }) => {
        $(#[$attribute])*
        #[repr(C)]
        #[derive(
            Clone,
            Copy,
            PartialEq,
            Eq,
            Debug,
            Default,
            ::zerocopy::FromBytes,
            ::zerocopy::IntoBytes,
            ::zerocopy::Immutable,
            ::zerocopy::KnownLayout,
        )]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        const _: () = assert!(size_of::<$name>() == $size);
    };
}

pub(crate) use structure;
