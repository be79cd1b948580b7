//! Enums whose values have the numbers and names that users of such engines know.

macro_rules! named_number {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal => $text:literal,)* }) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize
        )]
        $(#[$doc])*
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// All values, with their numbers growing.
            pub const ALL: [$name; [$($number),*].len()] = [$($name::$variant,)*];

            /// The value with that number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.into_iter().find(|value| *value as u8 == number)
            }

            /// The name shown to people.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
