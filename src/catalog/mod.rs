//! Packages and runtimes that stand in file systems, whoever put them there: found by what their files say.
