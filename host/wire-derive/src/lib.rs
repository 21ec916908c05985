//! The macro behind the message declarations of `medley-wire`.
