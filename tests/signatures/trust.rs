//! Nothing is here yet, it will come.
