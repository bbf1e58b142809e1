#pragma once

/// Present in every program that contains the stand-in suite, and in no other: tests look for the
/// symbol, and for its text in stripped programs. A program that serves people must never contain
/// it.
extern "C" const char trestle_standin_crypto_marker[];
